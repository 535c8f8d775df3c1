#!lua name=apricot_gate_VERSION
-- A lot of the gate: who holds how many units of it, decided for all who asked in one call. The rules are those of
-- src/store/inventory/lot.rs, and the same laws are run on both. What a batch mentions is read with a few variadic commands, decided in
-- plain tables, and written with a few variadic commands.
--
-- KEYS: lot      a string, see `unpack_lot`
--       orders   hash, id -> what became of it:
--                  'o' until quantity buyer       an open hold
--                  'e' quantity buyer             ended, its commit is awaited
--                  'c', 'r', 'x'                  claimed, released, expired
--                  'w' serial quantity limit buyer  stands in line
--       buyers   hash, buyer -> units waiting, held and claimed, then (id, until, quantity) of each open hold
--       expiries sorted set, open holds by the time they run out
--       waiting  sorted set, who stands in line by serial number
-- Ids are 16 bytes, numbers are big-endian as `struct` packs them, buyers come last.

local LAYOUT = '1'
-- A command takes at most this many arguments from `unpack`.
local CHUNK = 2000
-- Readings are published at most this often, unless the lot turns.
local PUBLISH_EVERY_MS = 50
-- A day after its last change a closed lot is of no use to anybody.
local CLOSED_FOR_S = 86400
-- Half of an opening whose node died.
local OPENING_FOR_S = 60
local HOLD_BYTES = 26
local ENDED = { c = -11, r = -12, x = -13 }
local CLOSED, KNOWN, LIMIT, FULL, SOLD_OUT = -1, -2, -3, -4, -100
local UNKNOWN, RAN_OUT, ENDING = -1, -2, -3
-- Instead of a time until which nothing can be granted: units are free, and: no hold is open.
local FREE, NEVER = -1, -2

local run_id

-- Names this process of Redis as a primary: a restart changes the one half, a failover the other.
local function incarnation()
  if not run_id then
    run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  end
  return LAYOUT .. run_id .. string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
end

local LOT = '>dddddddddddd'

local function unpack_lot(packed)
  local lot = {}
  local at
  lot.generation, lot.sequence, lot.stock, lot.held, lot.sold, lot.closed, lot.waiting, lot.least, lot.serial,
    lot.told_at, lot.untold, lot.told_turn, at = struct.unpack(LOT, packed)
  lot.incarnation = string.sub(packed, at)
  return lot
end

local function pack_lot(lot)
  return struct.pack(LOT, lot.generation, lot.sequence, lot.stock, lot.held, lot.sold, lot.closed, lot.waiting,
    lot.least, lot.serial, lot.told_at, lot.untold, lot.told_turn) .. lot.incarnation
end

-- The batch: what was read, and what is to be written.
local lot, key_orders, key_buyers, key_expiries, key_waiting
local states, states_changed
local units, holds, buyers_changed
local expiries
-- The first time at which an open hold runs out; `nil` when it is to be read again.
local first
local changed

local function begin(keys, loaded)
  lot = loaded
  key_orders, key_buyers, key_expiries, key_waiting = keys[2], keys[3], keys[4], keys[5]
  states, states_changed = {}, {}
  units, holds, buyers_changed = {}, {}, {}
  expiries = {}
  first = nil
  changed = false
end

local function in_chunks(list, call)
  local n = #list
  if n <= CHUNK then
    if n > 0 then call(unpack(list)) end
    return
  end
  for from = 1, n, CHUNK do
    call(unpack(list, from, math.min(from + CHUNK - 1, n)))
  end
end

local function read_states(ids)
  local at = 0
  in_chunks(ids, function(...)
    local read = redis.call('HMGET', key_orders, ...)
    for i = 1, #read do
      at = at + 1
      states[ids[at]] = read[i]
    end
  end)
end

local function read_missing_states(ids)
  local missing = {}
  for i = 1, #ids do
    if states[ids[i]] == nil then missing[#missing + 1] = ids[i] end
  end
  read_states(missing)
end

local function take_buyer(buyer, packed)
  if packed then
    units[buyer] = struct.unpack('>I4', packed)
    holds[buyer] = string.sub(packed, 5)
  else
    units[buyer] = 0
    holds[buyer] = ''
  end
end

local function read_buyers(buyers)
  local at = 0
  in_chunks(buyers, function(...)
    local read = redis.call('HMGET', key_buyers, ...)
    for i = 1, #read do
      at = at + 1
      take_buyer(buyers[at], read[i])
    end
  end)
end

local function know_buyer(buyer)
  if not units[buyer] then
    take_buyer(buyer, redis.call('HGET', key_buyers, buyer))
  end
end

local function set_state(id, state)
  states[id] = state
  states_changed[id] = true
  changed = true
end

local function count(buyer, quantity)
  know_buyer(buyer)
  units[buyer] = units[buyer] + quantity
  buyers_changed[buyer] = true
end

-- Writes what waits, so that the sorted set can be read.
local function flush_expiries()
  local add, remove = {}, {}
  for id, time in pairs(expiries) do
    if time then
      add[#add + 1] = time
      add[#add + 1] = id
    else
      remove[#remove + 1] = id
    end
  end
  expiries = {}
  in_chunks(add, function(...) redis.call('ZADD', key_expiries, ...) end)
  in_chunks(remove, function(...) redis.call('ZREM', key_expiries, ...) end)
end

-- `math.huge`: no hold is open.
local function first_expiry()
  if not first then
    flush_expiries()
    first = tonumber(redis.call('ZRANGE', key_expiries, 0, 0, 'WITHSCORES')[2]) or math.huge
  end
  return first
end

local function open_hold(id, buyer, quantity, time)
  lot.held = lot.held + quantity
  expiries[id] = time
  if first and time < first then first = time end
  holds[buyer] = holds[buyer] .. struct.pack('>c16dI2', id, time, quantity)
  buyers_changed[buyer] = true
  set_state(id, struct.pack('>c1dI2', 'o', time, quantity) .. buyer)
end

local function read_open(state)
  local time, quantity, at = struct.unpack('>dI2', state, 2)
  return time, quantity, string.sub(state, at)
end

local function read_ending(state)
  local quantity, at = struct.unpack('>I2', state, 2)
  return quantity, string.sub(state, at)
end

-- It is no open hold any more; its units stay where they are.
local function shut_hold(id, buyer, time)
  know_buyer(buyer)
  expiries[id] = false
  if first and time <= first then first = nil end
  local list = holds[buyer]
  for at = 1, #list, HOLD_BYTES do
    if string.sub(list, at, at + 15) == id then
      holds[buyer] = string.sub(list, 1, at - 1) .. string.sub(list, at + HOLD_BYTES)
      buyers_changed[buyer] = true
      return
    end
  end
end

local function free_units()
  return math.max(lot.stock - lot.held - lot.sold, 0)
end

-- A buyer's own overdue holds do not count, swept or not.
local function within_limit(buyer, quantity, limit, now)
  local has = units[buyer] + quantity
  if has <= limit then return true end
  local list = holds[buyer]
  for at = 1, #list, HOLD_BYTES do
    local time, held = struct.unpack('>dI2', list, at + 16)
    if time <= now then has = has - held end
  end
  return has <= limit
end

-- Overdue holds that together have `wanted` units, the longest overdue first; and their units, which may be too few.
local function overdue_holds(wanted, now)
  local found, total = {}, 0
  if wanted <= 0 or first_expiry() > now then return found, total end
  flush_expiries()
  local from = 0
  while total < wanted do
    local ids = redis.call('ZRANGEBYSCORE', key_expiries, '-inf', now, 'LIMIT', from, 64)
    if #ids == 0 then break end
    read_missing_states(ids)
    for i = 1, #ids do
      if total >= wanted then break end
      local _, quantity = read_open(states[ids[i]])
      total = total + quantity
      found[#found + 1] = ids[i]
    end
    from = from + #ids
  end
  return found, total
end

local function end_open(id, state)
  local time, quantity, buyer = read_open(state)
  shut_hold(id, buyer, time)
  set_state(id, struct.pack('>c1I2', 'e', quantity) .. buyer)
  return quantity, buyer
end

-- Takes `wanted` units from overdue holds; what is left of them waits for the commit of their ends.
local function displace(ids, wanted)
  for i = 1, #ids do
    local quantity, buyer = end_open(ids[i], states[ids[i]])
    local taken = math.min(wanted, quantity)
    wanted = wanted - taken
    lot.held = lot.held - taken
    count(buyer, -taken)
    set_state(ids[i], struct.pack('>c1I2', 'e', quantity - taken) .. buyer)
  end
end

local function read_waiting(state)
  local serial, quantity, limit, at = struct.unpack('>dI2I2', state, 2)
  return serial, quantity, limit, string.sub(state, at)
end

local function stand_in_line(id, buyer, quantity, limit)
  count(buyer, quantity)
  lot.serial = lot.serial + 1
  redis.call('ZADD', key_waiting, lot.serial, id)
  set_state(id, struct.pack('>c1dI2I2', 'w', lot.serial, quantity, limit) .. buyer)
  lot.least = lot.waiting == 0 and quantity or math.min(lot.least, quantity)
  lot.waiting = lot.waiting + 1
end

-- Whoever stands in line, first come first, until `visit` returns true.
local function walk_line(visit)
  local ids = redis.call('ZRANGE', key_waiting, 0, -1)
  read_missing_states(ids)
  for i = 1, #ids do
    if visit(ids[i], read_waiting(states[ids[i]])) then return end
  end
end

-- The units stay counted for the buyer.
local function leave_line(id, quantity)
  redis.call('ZREM', key_waiting, id)
  lot.waiting = lot.waiting - 1
  changed = true
  if quantity == lot.least then
    lot.least = 0
    walk_line(function(_, _, other)
      if lot.least == 0 or other < lot.least then lot.least = other end
      return lot.least == 1
    end)
  end
end

local function offerable(free)
  return free > 0 and lot.closed == 0 and lot.waiting > 0 and lot.least <= free
end

local function sold_out_until()
  local free = free_units()
  if lot.closed == 1 or (free > 0 and not offerable(free)) then return FREE end
  local time = first_expiry()
  return time == math.huge and NEVER or time
end

-- What may be asked. Each reads its operation from the second byte on.
local ask = {}

function ask.h(op, id)
  local time, now, quantity, limit, at = struct.unpack('>ddI2I2', op, 18)
  local buyer = string.sub(op, at)
  if lot.closed == 1 then return CLOSED end
  local state = states[id]
  if state and state ~= 'x' then return KNOWN end
  if not within_limit(buyer, quantity, limit, now) then return LIMIT end
  local free = free_units()
  if lot.waiting > 0 then
    local missing = math.max(lot.least - free, 0)
    local _, total = overdue_holds(missing, now)
    if total >= missing then return SOLD_OUT end
  end
  local answer = 0
  if quantity > free then
    local wanted = quantity - free
    local displaced, total = overdue_holds(wanted, now)
    if total < wanted then return SOLD_OUT - free - total end
    displace(displaced, wanted)
    answer = table.concat(displaced)
  end
  units[buyer] = units[buyer] + quantity
  open_hold(id, buyer, quantity, time)
  return answer
end

function ask.w(op, id)
  local now, quantity, limit, max, at = struct.unpack('>dI2I2I4', op, 18)
  local buyer = string.sub(op, at)
  if lot.closed == 1 or lot.sold == lot.stock then return SOLD_OUT end
  if states[id] then return KNOWN end
  if not within_limit(buyer, quantity, limit, now) then return LIMIT end
  if lot.waiting >= max then return FULL end
  stand_in_line(id, buyer, quantity, limit)
  return lot.waiting
end

local function not_open(state)
  if not state then return UNKNOWN end
  local kind = string.sub(state, 1, 1)
  if kind == 'o' then return nil end
  if kind == 'e' then return ENDING end
  return ENDED[kind] or UNKNOWN
end

function ask.c(op, id)
  local now = struct.unpack('>d', op, 18)
  local state = states[id]
  local refused = not_open(state)
  if refused then return refused end
  local time, quantity, buyer = read_open(state)
  if time <= now then return RAN_OUT end
  shut_hold(id, buyer, time)
  lot.held = lot.held - quantity
  lot.sold = lot.sold + quantity
  set_state(id, 'c')
  return 0
end

function ask.e(_, id)
  local state = states[id]
  local refused = not_open(state)
  if refused then return refused end
  end_open(id, state)
  return 0
end

function ask.f(op, id)
  local state = states[id]
  local refused = not_open(state)
  if refused and refused ~= ENDING then return 0 end
  local quantity, buyer
  if refused then
    quantity, buyer = read_ending(state)
  else
    -- The lot was read again while the end was on its way to the record.
    quantity, buyer = end_open(id, state)
  end
  lot.held = lot.held - quantity
  count(buyer, -quantity)
  set_state(id, string.sub(op, 18, 18))
  return 0
end

function ask.l(_, id)
  local state = states[id]
  if not state or string.sub(state, 1, 1) ~= 'w' then return 0 end
  local _, quantity, _, buyer = read_waiting(state)
  set_state(id, false)
  leave_line(id, quantity)
  count(buyer, -quantity)
  return 1
end

function ask.p(_, id)
  return (redis.call('ZRANK', key_waiting, id) or -1) + 1
end

function ask.n(op)
  local time = struct.unpack('>d', op, 2)
  local free = free_units()
  if not offerable(free) then return '' end
  local answer = ''
  walk_line(function(id, _, quantity, limit, buyer)
    if quantity > free then return false end
    leave_line(id, quantity)
    know_buyer(buyer)
    open_hold(id, buyer, quantity, time)
    answer = id .. struct.pack('>I2I2', quantity, limit) .. buyer
    return true
  end)
  return answer
end

function ask.x(op)
  local now, max = struct.unpack('>dI4', op, 2)
  if max == 0 or first_expiry() > now then return '' end
  flush_expiries()
  local ids = redis.call('ZRANGEBYSCORE', key_expiries, '-inf', now, 'LIMIT', 0, max)
  read_missing_states(ids)
  for i = 1, #ids do
    end_open(ids[i], states[ids[i]])
  end
  return table.concat(ids)
end

function ask.z()
  local dismissed = {}
  walk_line(function(id, _, quantity, _, buyer)
    dismissed[#dismissed + 1] = id
    count(buyer, -quantity)
    set_state(id, false)
  end)
  redis.call('DEL', key_waiting)
  lot.waiting, lot.least, lot.closed = 0, 0, 1
  changed = true
  return table.concat(dismissed)
end

function ask.r()
  return 0
end

function ask.H(op, id)
  local time, quantity, at = struct.unpack('>dI2', op, 18)
  local state = states[id]
  if state and string.sub(state, 1, 1) ~= 'w' then return 0 end
  ask.l(op, id)
  local buyer = string.sub(op, at)
  count(buyer, quantity)
  open_hold(id, buyer, quantity, time)
  return 0
end

function ask.C(op, id)
  local quantity, at = struct.unpack('>I2', op, 18)
  local buyer = string.sub(op, at)
  ask.l(op, id)
  local state = states[id]
  if state == 'c' then return 0 end
  local refused = not_open(state)
  local counted = 0
  if refused == nil then
    local time, held = read_open(state)
    shut_hold(id, buyer, time)
    counted = held
  elseif refused == ENDING then
    counted = read_ending(state)
  end
  lot.held = lot.held - counted
  count(buyer, quantity - counted)
  lot.sold = lot.sold + quantity
  set_state(id, 'c')
  return 0
end

function ask.W(op, id)
  local quantity, limit, at = struct.unpack('>I2I2', op, 18)
  if states[id] or lot.closed == 1 then return 0 end
  stand_in_line(id, string.sub(op, at), quantity, limit)
  return 0
end

-- Where in an operation the buyer begins, for those that name one.
local BUYER_AT = { h = 38, w = 34, H = 28, C = 20, W = 22 }
-- Those that name no order.
local WITHOUT_ORDER = { n = true, x = true, z = true, r = true }

local function write_back()
  flush_expiries()
  local set, delete = {}, {}
  for id in pairs(states_changed) do
    if states[id] then
      set[#set + 1] = id
      set[#set + 1] = states[id]
    else
      delete[#delete + 1] = id
    end
  end
  in_chunks(set, function(...) redis.call('HSET', key_orders, ...) end)
  in_chunks(delete, function(...) redis.call('HDEL', key_orders, ...) end)
  set, delete = {}, {}
  for buyer in pairs(buyers_changed) do
    if units[buyer] > 0 or holds[buyer] ~= '' then
      set[#set + 1] = buyer
      set[#set + 1] = struct.pack('>I4', units[buyer]) .. holds[buyer]
    else
      delete[#delete + 1] = buyer
    end
  end
  in_chunks(set, function(...) redis.call('HSET', key_buyers, ...) end)
  in_chunks(delete, function(...) redis.call('HDEL', key_buyers, ...) end)
end

local function milliseconds()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The reading goes out at once when the lot turns, and otherwise not too often; what was kept back goes out with the next question.
local function publish(channel, turn, time)
  local turned = (turn == FREE) ~= (lot.told_turn == FREE)
  local at = milliseconds()
  if not turned and math.abs(at - lot.told_at) < PUBLISH_EVERY_MS then
    lot.untold = 1
    return
  end
  lot.told_at, lot.untold, lot.told_turn = at, 0, turn
  redis.call('SPUBLISH', channel, string.format('%.0f %.0f %d %d %d %d %.0f', lot.generation, lot.sequence, lot.stock,
    lot.held, lot.sold, lot.waiting, time))
end

local function answer(time, answers)
  return { 1, lot.generation, lot.sequence, lot.stock, lot.held, lot.sold, lot.waiting, time, answers }
end

local function close_keys(keys)
  for i = 1, 5 do
    redis.call('EXPIRE', keys[i], CLOSED_FOR_S)
  end
end

-- ARGV: the channel of readings, then operations. The answer: 1, the reading, an answer for each; or 0 and the generation of a lot
-- that was opened under another incarnation, 0 without one.
local function decide(keys, args)
  local packed = redis.call('GET', keys[1])
  local loaded = packed and unpack_lot(packed)
  if not loaded or loaded.incarnation ~= incarnation() then
    return { 0, loaded and loaded.generation or 0 }
  end
  begin(keys, loaded)
  local ids, buyers, kinds, order = {}, {}, {}, {}
  for i = 2, #args do
    local op = args[i]
    local kind = string.sub(op, 1, 1)
    kinds[i] = kind
    if not WITHOUT_ORDER[kind] then
      local id = string.sub(op, 2, 17)
      order[i] = id
      ids[#ids + 1] = id
      local at = BUYER_AT[kind]
      if at then buyers[#buyers + 1] = string.sub(op, at) end
    end
  end
  read_states(ids)
  read_buyers(buyers)
  local answers = {}
  for i = 2, #args do
    answers[i - 1] = ask[kinds[i]](args[i], order[i])
  end
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
  begin(keys, unpack_lot(redis.call('GET', keys[1]) or (string.rep('\0', 96))))
  local ids, buyers = {}, {}
  for i = 2, #args do
    ids[#ids + 1] = string.sub(args[i], 2, 17)
    buyers[#buyers + 1] = string.sub(args[i], BUYER_AT[string.sub(args[i], 1, 1)])
  end
  read_states(ids)
  read_buyers(buyers)
  for i = 2, #args do
    ask[string.sub(args[i], 1, 1)](args[i], ids[i - 1])
  end
  write_back()
  redis.call('SET', keys[1], pack_lot(lot))
  for i = 1, 5 do
    redis.call('EXPIRE', keys[i], OPENING_FOR_S)
  end
  return 1
end

-- Puts what was gathered under keys 6 to 10 in the place of the lot, if that is still of the generation that the caller saw. ARGV: the
-- channel, that generation, stock, sold, and 1 if closed.
local function open(keys, args)
  local packed = redis.call('GET', keys[1])
  local seen = packed and unpack_lot(packed).generation or 0
  local gathered = redis.call('GET', keys[6])
  if not gathered or seen ~= tonumber(args[2]) then
    redis.call('DEL', keys[6], keys[7], keys[8], keys[9], keys[10])
    return { 0, seen }
  end
  for i = 1, 5 do
    redis.call('DEL', keys[i])
    if redis.call('EXISTS', keys[i + 5]) == 1 then
      redis.call('RENAME', keys[i + 5], keys[i])
      redis.call('PERSIST', keys[i])
    end
  end
  begin(keys, unpack_lot(gathered))
  lot.incarnation = incarnation()
  -- Time makes it larger than that of a lot which was lost.
  lot.generation = math.max(milliseconds(), seen + 1)
  lot.sequence = 1
  lot.stock, lot.sold, lot.closed = tonumber(args[3]), tonumber(args[4]), tonumber(args[5])
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
