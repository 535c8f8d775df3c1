-- The Functions.

local ask_by

local function find_names()
  byte, char, sub, concat, floor = string.byte, string.char, string.sub, table.concat, math.floor
  pack, read = struct.pack, struct.unpack
  ask_by = {}
  for letter, answer in pairs(ask) do
    ask_by[byte(letter)] = answer
  end
end

-- Runs the operations from the second argument on.
local function run(args)
  local n = #args
  local buyers, count, buyer_of = {}, 0, {}
  for i = 2, n do
    local op = args[i]
    if #op > 37 then
      local buyer = sub(op, 38)
      buyer_of[i] = buyer
      count = count + 1
      buyers[count] = buyer
    end
  end
  read_buyers(buyers)
  local answers = {}
  for i = 2, n do
    local op = args[i]
    local letter = byte(op)
    -- A hold finds its id itself, and there are many.
    answers[i - 1] = ask_by[letter](op, buyer_of[i], letter ~= 104 and sub(op, 22, 37))
  end
  return answers
end

local function write_back()
  flush_groups()
  local set, n, delete = {}, 0, {}
  for i = 1, changed_count do
    local buyer = changed_buyers[i]
    local list = entries[buyer]
    if list ~= '' then
      set[n + 1] = buyer
      set[n + 2] = list
      n = n + 2
    else
      delete[#delete + 1] = buyer
    end
  end
  in_chunks(set, function(...) redis.call('HSET', key_buyers, ...) end)
  in_chunks(delete, function(...) redis.call('HDEL', key_buyers, ...) end)
end

-- The reading goes out at once when the lot turns, and otherwise not too often; what was kept back goes out with the next question.
local function publish(channel, turn, time)
  local turned = (turn == FREE) ~= (lot.told_turn == FREE)
  if not turned and math.abs(at_ms - lot.told_at) < PUBLISH_EVERY_MS then
    lot.untold = 1
    return
  end
  lot.told_at, lot.untold, lot.told_turn = at_ms, 0, turn
  redis.call('SPUBLISH', channel, string.format('%.0f %.0f %d %d %d %d %.0f', lot.generation, lot.sequence, lot.stock,
    lot.held, lot.sold, lot.waiting, time))
end

local function answer(time, answers)
  return { 1, lot.generation, lot.sequence, lot.stock, lot.held, lot.sold, lot.waiting, time, answers }
end

local function close_keys(keys)
  for i = 1, KEYS_OF_A_LOT do
    redis.call('EXPIRE', keys[i], CLOSED_FOR_S)
  end
end

-- ARGV: the channel of readings, then operations. The answer: 1, the reading, an answer for each; or 0 and the generation of a lot
-- that was opened under another incarnation, 0 without one.
local function decide(keys, args)
  if not byte then find_names() end
  at_ms = milliseconds()
  local packed = redis.call('GET', keys[1])
  local loaded = packed and unpack_lot(packed)
  if not loaded or loaded.incarnation ~= incarnation(at_ms) then
    return { 0, loaded and loaded.generation or 0 }
  end
  begin(keys, loaded)
  local answers = run(args)
  local time = sold_out_until()
  if changed then
    lot.sequence = lot.sequence + 1
    write_back()
  end
  if changed or lot.untold == 1 then
    publish(args[1], time == FREE and FREE or 0, time)
    redis.call('SET', keys[1], pack_lot(lot), 'KEEPTTL')
  end
  if changed and lot.closed == 1 then close_keys(keys) end
  return answer(time, answers)
end

-- A part of what the record says of a lot, beside the lot that is there: operations 'H', 'C' and 'W'. ARGV[1] tells nothing.
local function gather(keys, args)
  if not byte then find_names() end
  at_ms = milliseconds()
  begin(keys, unpack_lot(redis.call('GET', keys[1]) or string.rep('\0', 112)))
  run(args)
  write_back()
  redis.call('SET', keys[1], pack_lot(lot))
  for i = 1, KEYS_OF_A_LOT do
    redis.call('EXPIRE', keys[i], OPENING_FOR_S)
  end
  return 1
end

-- Puts what was gathered under the last keys in the place of the lot, if that is still of the generation that the caller saw. ARGV: the
-- channel, that generation, stock, sold, 1 if closed, and the version of the sale.
local function open(keys, args)
  if not byte then find_names() end
  at_ms = milliseconds()
  local packed = redis.call('GET', keys[1])
  local seen = packed and unpack_lot(packed).generation or 0
  local gathered = redis.call('GET', keys[KEYS_OF_A_LOT + 1])
  if not gathered or seen ~= tonumber(args[2]) then
    redis.call('DEL', unpack(keys, KEYS_OF_A_LOT + 1))
    return { 0, seen }
  end
  for i = 1, KEYS_OF_A_LOT do
    redis.call('DEL', keys[i])
    if redis.call('EXISTS', keys[i + KEYS_OF_A_LOT]) == 1 then
      redis.call('RENAME', keys[i + KEYS_OF_A_LOT], keys[i])
      redis.call('PERSIST', keys[i])
    end
  end
  begin(keys, unpack_lot(gathered))
  lot.incarnation = incarnation(at_ms)
  -- Time makes it larger than that of a lot which was lost.
  lot.generation = math.max(at_ms, seen + 1)
  lot.sequence = 1
  lot.stock, lot.sold, lot.closed = tonumber(args[3]), tonumber(args[4]), tonumber(args[5])
  lot.version = tonumber(args[6])
  local time = sold_out_until()
  lot.told_at, lot.told_turn = 0, time == FREE and FREE or 0
  publish(args[1], lot.told_turn, time)
  redis.call('SET', keys[1], pack_lot(lot))
  if lot.closed == 1 then close_keys(keys) end
  return answer(time, {})
end

redis.register_function('apricot_gate_decide_VERSION', decide)
redis.register_function('apricot_gate_gather_VERSION', gather)
redis.register_function('apricot_gate_open_VERSION', open)
