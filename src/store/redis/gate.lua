#!lua name=apricot_gate_VERSION
-- A lot of the gate: who holds how many units of it, decided for all who asked in one call. The rules are those of
-- src/store/inventory/lot.rs, and the same laws are run on both. What a batch mentions is read with a few variadic commands, decided in
-- plain tables, and written with a few variadic commands.
--
-- KEYS: lot      a string, see `unpack_lot`
--       orders   hash, id -> what became of it:
--                  'o' group until quantity buyer   an open hold
--                  'e' quantity buyer               ended, its commit is awaited
--                  'c', 'r', 'x'                    claimed, released, expired
--                  'w' serial quantity limit buyer  stands in line
--       buyers   hash, buyer -> units waiting, held and claimed, then (id, until, quantity) of each open hold
--       expiries sorted set, (until, group) by until: holds granted in one call that run out together are one group
--       groups   hash, (until, group) -> how many of them are open, then their ids
--       waiting  sorted set, who stands in line by serial number
-- Ids are 16 bytes, numbers are big-endian as `struct` packs them, buyers come last.

local LAYOUT = '2'
-- A command takes at most this many arguments from `unpack`.
local CHUNK = 2000
-- Readings are published at most this often, unless the lot turns.
local PUBLISH_EVERY_MS = 50
-- A day after its last change a closed lot is of no use to anybody.
local CLOSED_FOR_S = 86400
-- Half of an opening whose node died.
local OPENING_FOR_S = 60
-- How long the answer to "which Redis is this" is believed. A failover takes longer.
local INCARNATION_FOR_MS = 20
local HOLD_BYTES = 26
local KEYS_OF_A_LOT = 6
local ENDED = { c = -11, r = -12, x = -13 }
local CLOSED, KNOWN, LIMIT, FULL, SOLD_OUT = -1, -2, -3, -4, -100
local UNKNOWN, RAN_OUT, ENDING = -1, -2, -3
-- Instead of a time until which nothing can be granted: units are free, and: no hold is open.
local FREE, NEVER = -1, -2

-- Found at the first call: a library that is being loaded does not see them.
local byte, sub, concat, floor, pack, read

local run_id
local incarnation_now, incarnation_at = nil, 0

local function milliseconds()
  local time = redis.call('TIME')
  return time[1] * 1000 + floor(time[2] / 1000)
end

-- Names this process of Redis as a primary: a restart changes the one half, a failover the other.
local function incarnation(at)
  if math.abs(at - incarnation_at) > INCARNATION_FOR_MS then
    run_id = run_id or string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
    incarnation_now = LAYOUT .. run_id .. string.match(redis.call('INFO', 'replication'), 'master_replid:(%x+)')
    incarnation_at = at
  end
  return incarnation_now
end

local LOT = '>ddddddddddddd'

local function unpack_lot(packed)
  local lot = {}
  local at
  lot.generation, lot.sequence, lot.stock, lot.held, lot.sold, lot.closed, lot.waiting, lot.least, lot.serial,
    lot.told_at, lot.untold, lot.told_turn, lot.group, at = read(LOT, packed)
  lot.incarnation = sub(packed, at)
  return lot
end

local function pack_lot(lot)
  return pack(LOT, lot.generation, lot.sequence, lot.stock, lot.held, lot.sold, lot.closed, lot.waiting,
    lot.least, lot.serial, lot.told_at, lot.untold, lot.told_turn, lot.group) .. lot.incarnation
end

-- The batch: what was read, and what is to be written.
local lot, at_ms, key_orders, key_buyers, key_expiries, key_groups, key_waiting
local states, states_written, states_count, states_deleted
local units, holds, buyers_changed, buyers_count, buyers_seen
-- Ids of new holds by the time they run out, and groups whose count changed.
local new_groups, groups, groups_changed
local group_number
-- The first time at which an open hold runs out; `nil` when it is to be read again.
local first
local changed

local function begin(keys, loaded)
  lot = loaded
  key_orders, key_buyers, key_expiries, key_groups, key_waiting = keys[2], keys[3], keys[4], keys[5], keys[6]
  states, states_written, states_count, states_deleted = {}, {}, 0, {}
  units, holds, buyers_changed, buyers_count, buyers_seen = {}, {}, {}, 0, {}
  new_groups, groups, groups_changed = {}, {}, {}
  lot.group = lot.group + 1
  group_number = pack('>I4', lot.group)
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
  for from = 1, #ids, CHUNK do
    local found = redis.call('HMGET', key_orders, unpack(ids, from, math.min(from + CHUNK - 1, #ids)))
    for i = 1, #found do
      states[ids[from + i - 1]] = found[i]
    end
  end
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
    units[buyer] = read('>I4', packed)
    holds[buyer] = sub(packed, 5)
  else
    units[buyer] = 0
    holds[buyer] = ''
  end
end

local function read_buyers(buyers)
  for from = 1, #buyers, CHUNK do
    local found = redis.call('HMGET', key_buyers, unpack(buyers, from, math.min(from + CHUNK - 1, #buyers)))
    for i = 1, #found do
      take_buyer(buyers[from + i - 1], found[i])
    end
  end
end

local function know_buyer(buyer)
  if not units[buyer] then
    take_buyer(buyer, redis.call('HGET', key_buyers, buyer))
  end
end

local function mark_buyer(buyer)
  if not buyers_seen[buyer] then
    buyers_seen[buyer] = true
    buyers_count = buyers_count + 1
    buyers_changed[buyers_count] = buyer
  end
end

local function set_state(id, state)
  states[id] = state
  states_written[states_count + 1] = id
  states_written[states_count + 2] = state
  states_count = states_count + 2
  changed = true
end

local function delete_state(id)
  states[id] = false
  states_deleted[#states_deleted + 1] = id
  changed = true
end

local function count(buyer, quantity)
  know_buyer(buyer)
  units[buyer] = units[buyer] + quantity
  mark_buyer(buyer)
end

-- Writes what waits, so that the sorted set can be read.
local function flush_groups()
  local add, set, remove = {}, {}, {}
  for time, ids in pairs(new_groups) do
    local name = time .. group_number
    -- One group of a call may be written twice, when it was read in between.
    local before = redis.call('HGET', key_groups, name)
    local open = #ids + (before and read('>I4', before) or 0)
    add[#add + 1] = (read('>d', time))
    add[#add + 1] = name
    set[#set + 1] = name
    set[#set + 1] = pack('>I4', open) .. (before and sub(before, 5) or '') .. concat(ids)
    groups[name] = set[#set]
    groups_changed[name] = nil
  end
  new_groups = {}
  for name in pairs(groups_changed) do
    if read('>I4', groups[name]) > 0 then
      set[#set + 1] = name
      set[#set + 1] = groups[name]
    else
      remove[#remove + 1] = name
    end
  end
  groups_changed = {}
  in_chunks(add, function(...) redis.call('ZADD', key_expiries, ...) end)
  in_chunks(set, function(...) redis.call('HSET', key_groups, ...) end)
  in_chunks(remove, function(...)
    redis.call('ZREM', key_expiries, ...)
    redis.call('HDEL', key_groups, ...)
  end)
end

-- `math.huge`: no hold is open.
local function first_expiry()
  if not first then
    flush_groups()
    local name = redis.call('ZRANGE', key_expiries, 0, 0)[1]
    first = name and read('>d', name) or math.huge
  end
  return first
end

-- `record` is id, until and quantity, as the buyer's list of open holds has it; `time` is its until, packed.
local function open_hold(id, buyer, quantity, time, record)
  lot.held = lot.held + quantity
  local group = new_groups[time]
  if group then
    group[#group + 1] = id
  else
    new_groups[time] = { id }
    if first then first = math.min(first, (read('>d', time))) end
  end
  holds[buyer] = holds[buyer] .. record
  mark_buyer(buyer)
  set_state(id, 'o' .. group_number .. sub(record, 17) .. buyer)
end

-- Until when, how many, whose.
local function read_open(state)
  local time, quantity, at = read('>dI2', state, 6)
  return time, quantity, sub(state, at)
end

local function read_ending(state)
  local quantity, at = read('>I2', state, 2)
  return quantity, sub(state, at)
end

-- It is no open hold any more; its units stay where they are.
local function shut_hold(id, state, buyer)
  know_buyer(buyer)
  local time = sub(state, 6, 13)
  local name = time .. sub(state, 2, 5)
  if new_groups[time] and sub(state, 2, 5) == group_number then flush_groups() end
  local group = groups[name] or redis.call('HGET', key_groups, name)
  local open = read('>I4', group) - 1
  groups[name] = pack('>I4', open) .. sub(group, 5)
  groups_changed[name] = true
  if first and open == 0 and read('>d', time) <= first then first = nil end
  local list = holds[buyer]
  for at = 1, #list, HOLD_BYTES do
    if sub(list, at, at + 15) == id then
      holds[buyer] = sub(list, 1, at - 1) .. sub(list, at + HOLD_BYTES)
      mark_buyer(buyer)
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
    local time, held = read('>dI2', list, at + 16)
    if time <= now then has = has - held end
  end
  return has <= limit
end

-- Visits overdue holds, the longest overdue first, until `visit` returns true.
local function walk_overdue(now, visit)
  if first_expiry() > now then return end
  flush_groups()
  local names = redis.call('ZRANGEBYSCORE', key_expiries, '-inf', now)
  local at = 1
  while at <= #names do
    -- Groups that run out together are one.
    local time = sub(names[at], 1, 8)
    local ids, group_of = {}, {}
    while at <= #names and sub(names[at], 1, 8) == time do
      local group = groups[names[at]] or redis.call('HGET', key_groups, names[at])
      for from = 5, #group, 16 do
        local id = sub(group, from, from + 15)
        ids[#ids + 1] = id
        group_of[id] = sub(names[at], 9)
      end
      at = at + 1
    end
    read_missing_states(ids)
    table.sort(ids)
    for i = 1, #ids do
      local id, state = ids[i], states[ids[i]]
      -- Others of the group have ended, or were held again.
      if state and sub(state, 1, 13) == 'o' .. group_of[id] .. time then
        if visit(id, state) then return end
      end
    end
  end
end

-- Overdue holds that together have `wanted` units; and their units, which may be too few.
local function overdue_holds(wanted, now)
  local found, total = {}, 0
  if wanted <= 0 then return found, total end
  walk_overdue(now, function(id, state)
    local _, quantity = read_open(state)
    total = total + quantity
    found[#found + 1] = id
    return total >= wanted
  end)
  return found, total
end

local function end_open(id, state)
  local _, quantity, buyer = read_open(state)
  shut_hold(id, state, buyer)
  set_state(id, pack('>c1I2', 'e', quantity) .. buyer)
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
    set_state(ids[i], pack('>c1I2', 'e', quantity - taken) .. buyer)
  end
end

local function read_waiting(state)
  local serial, quantity, limit, at = read('>dI2I2', state, 2)
  return serial, quantity, limit, sub(state, at)
end

local function stand_in_line(id, buyer, quantity, limit)
  count(buyer, quantity)
  lot.serial = lot.serial + 1
  redis.call('ZADD', key_waiting, lot.serial, id)
  set_state(id, pack('>c1dI2I2', 'w', lot.serial, quantity, limit) .. buyer)
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

function ask.h(op, id, buyer)
  local quantity, now, limit = read('>I2dI2', op, 26)
  if lot.closed == 1 then return CLOSED end
  local state = states[id]
  if state and state ~= 'x' then return KNOWN end
  local has = units[buyer] + quantity
  if has > limit and not within_limit(buyer, quantity, limit, now) then return LIMIT end
  local free = lot.stock - lot.held - lot.sold
  if free < 0 then free = 0 end
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
    answer = concat(displaced)
  end
  units[buyer] = units[buyer] + quantity
  open_hold(id, buyer, quantity, sub(op, 18, 25), sub(op, 2, 27))
  return answer
end

function ask.w(op, id, buyer)
  local now, quantity, limit, max = read('>dI2I2I4', op, 18)
  if lot.closed == 1 or lot.sold == lot.stock then return SOLD_OUT end
  if states[id] then return KNOWN end
  if not within_limit(buyer, quantity, limit, now) then return LIMIT end
  if lot.waiting >= max then return FULL end
  stand_in_line(id, buyer, quantity, limit)
  return lot.waiting
end

local function not_open(state)
  if not state then return UNKNOWN end
  local kind = sub(state, 1, 1)
  if kind == 'o' then return nil end
  if kind == 'e' then return ENDING end
  return ENDED[kind] or UNKNOWN
end

function ask.c(op, id)
  local now = read('>d', op, 18)
  local state = states[id]
  local refused = not_open(state)
  if refused then return refused end
  local time, quantity, buyer = read_open(state)
  if time <= now then return RAN_OUT end
  shut_hold(id, state, buyer)
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
  set_state(id, sub(op, 18, 18))
  return 0
end

function ask.l(_, id)
  local state = states[id]
  if not state or sub(state, 1, 1) ~= 'w' then return 0 end
  local _, quantity, _, buyer = read_waiting(state)
  delete_state(id)
  leave_line(id, quantity)
  count(buyer, -quantity)
  return 1
end

function ask.p(_, id)
  return (redis.call('ZRANK', key_waiting, id) or -1) + 1
end

function ask.n(op)
  local time = sub(op, 2, 9)
  local free = free_units()
  if not offerable(free) then return '' end
  local answer = ''
  walk_line(function(id, _, quantity, limit, buyer)
    if quantity > free then return false end
    leave_line(id, quantity)
    know_buyer(buyer)
    open_hold(id, buyer, quantity, time, id .. time .. pack('>I2', quantity))
    answer = id .. pack('>I2I2', quantity, limit) .. buyer
    return true
  end)
  return answer
end

function ask.x(op)
  local now, max = read('>dI4', op, 2)
  local ids = {}
  if max > 0 then
    walk_overdue(now, function(id)
      ids[#ids + 1] = id
      return #ids >= max
    end)
  end
  for i = 1, #ids do
    end_open(ids[i], states[ids[i]])
  end
  return concat(ids)
end

function ask.z()
  local dismissed = {}
  walk_line(function(id, _, quantity, _, buyer)
    dismissed[#dismissed + 1] = id
    count(buyer, -quantity)
    delete_state(id)
  end)
  redis.call('DEL', key_waiting)
  lot.waiting, lot.least, lot.closed = 0, 0, 1
  changed = true
  return concat(dismissed)
end

function ask.r()
  return 0
end

function ask.H(op, id, buyer)
  local quantity = read('>I2', op, 26)
  local state = states[id]
  if state and sub(state, 1, 1) ~= 'w' then return 0 end
  ask.l(op, id)
  count(buyer, quantity)
  open_hold(id, buyer, quantity, sub(op, 18, 25), sub(op, 2, 27))
  return 0
end

function ask.C(op, id, buyer)
  local quantity = read('>I2', op, 18)
  ask.l(op, id)
  local state = states[id]
  if state == 'c' then return 0 end
  local refused = not_open(state)
  local counted = 0
  if refused == nil then
    local _, held = read_open(state)
    shut_hold(id, state, buyer)
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

function ask.W(op, id, buyer)
  local quantity, limit = read('>I2I2', op, 18)
  if states[id] or lot.closed == 1 then return 0 end
  stand_in_line(id, buyer, quantity, limit)
  return 0
end

local ask_by, names_order, buyer_at

local function find_names()
  byte, sub, concat, floor, pack, read = string.byte, string.sub, table.concat, math.floor, struct.pack, struct.unpack
  ask_by, names_order, buyer_at = {}, {}, {}
  for kind, answer in pairs(ask) do
    ask_by[byte(kind)] = answer
    names_order[byte(kind)] = not string.find('nxzr', kind, 1, true)
  end
  -- Where in an operation the buyer begins, for those that name one.
  for kind, at in pairs({ h = 38, w = 34, H = 28, C = 20, W = 22 }) do
    buyer_at[byte(kind)] = at
  end
end

-- Counts as they are packed: most are small.
local packed_units = {}

local function pack_units(number)
  local packed = packed_units[number]
  if not packed then
    packed = pack('>I4', number)
    if number < 256 then packed_units[number] = packed end
  end
  return packed
end

local function write_back()
  flush_groups()
  in_chunks(states_written, function(...) redis.call('HSET', key_orders, ...) end)
  local delete = {}
  for i = 1, #states_deleted do
    if not states[states_deleted[i]] then delete[#delete + 1] = states_deleted[i] end
  end
  in_chunks(delete, function(...) redis.call('HDEL', key_orders, ...) end)
  local set, n = {}, 0
  delete = {}
  for i = 1, buyers_count do
    local buyer = buyers_changed[i]
    local number, list = units[buyer], holds[buyer]
    if number > 0 or list ~= '' then
      set[n + 1] = buyer
      set[n + 2] = pack_units(number) .. list
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

-- Runs the operations from the second argument on.
local function run(args)
  local ids, buyers, id_of, buyer_of = {}, {}, {}, {}
  local ids_count, buyers_count = 0, 0
  for i = 2, #args do
    local op = args[i]
    local kind = byte(op)
    if names_order[kind] then
      local id = sub(op, 2, 17)
      id_of[i] = id
      ids_count = ids_count + 1
      ids[ids_count] = id
      local at = buyer_at[kind]
      if at then
        local buyer = sub(op, at)
        buyer_of[i] = buyer
        buyers_count = buyers_count + 1
        buyers[buyers_count] = buyer
      end
    end
  end
  read_states(ids)
  read_buyers(buyers)
  local answers = {}
  for i = 2, #args do
    local op = args[i]
    answers[i - 1] = ask_by[byte(op)](op, id_of[i], buyer_of[i])
  end
  return answers
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
  begin(keys, unpack_lot(redis.call('GET', keys[1]) or string.rep('\0', 104)))
  run(args)
  write_back()
  redis.call('SET', keys[1], pack_lot(lot))
  for i = 1, KEYS_OF_A_LOT do
    redis.call('EXPIRE', keys[i], OPENING_FOR_S)
  end
  return 1
end

-- Puts what was gathered under the last keys in the place of the lot, if that is still of the generation that the caller saw. ARGV: the
-- channel, that generation, stock, sold, and 1 if closed.
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
