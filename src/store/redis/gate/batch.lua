#!lua name=apricot_gate_VERSION
-- A lot of the gate: who holds how many units of it, decided for all who asked in one call. Three files make the library: this one
-- reads and writes, answers.lua decides, calls.lua has the Functions. The rules are those of
-- src/store/inventory/lot.rs, and the same laws are run on both. What a batch mentions is read with one variadic command, decided in
-- plain tables, and written with a few variadic commands: each costs less than its share of a call.
--
-- KEYS: lot      a string, see `unpack_lot`
--       buyers   hash, buyer -> an entry of 31 bytes for each order: id, kind, group or limit, until or serial, quantity. Kinds:
--                  'o' an open hold         'e' ended, its commit is awaited       'w' stands in line
--                  'c' claimed              'r' released                           'x' expired
--       expiries sorted set, (until, group) by until: holds granted in one call that run out together are one group
--       groups   hash, (until, group) -> (length, id, buyer) of each; (until, group, 'n') -> how many of them are open
--       waiting  sorted set, (id, buyer) by serial number: who stands in line
-- Ids are 16 bytes, numbers are big-endian as `struct` packs them.
--
-- An operation is a letter, until (8 bytes), quantity (2), now (8), limit (2), and for those that name an order its id and its buyer.

local LAYOUT = '4'
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
local KEYS_OF_A_LOT = 5
local ENTRY = 31
-- A buyer who holds and cancels for ever is remembered so far back.
local ENTRIES_MAX = 128
local CLOSED, KNOWN, LIMIT, FULL, SOLD_OUT = -1, -2, -3, -4, -100
local UNKNOWN, RAN_OUT, ENDING = -1, -2, -3
-- Instead of a time until which nothing can be granted: units are free, and: no hold is open.
local FREE, NEVER = -1, -2
-- Kinds, as bytes.
local OPEN, ENDED, WAITS, CLAIMED, RELEASED, EXPIRED = 111, 101, 119, 99, 114, 120
local ENDS = { [CLAIMED] = -11, [RELEASED] = -12, [EXPIRED] = -13 }
local NO_GROUP, NO_TIME = '\0\0\0\0', '\0\0\0\0\0\0\0\0'

-- Found at the first call: a library that is being loaded does not see them.
local byte, char, sub, concat, floor, pack, read

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

local LOT = '>dddddddddddddd'

local function unpack_lot(packed)
  local lot = {}
  local at
  lot.generation, lot.sequence, lot.stock, lot.held, lot.sold, lot.closed, lot.waiting, lot.least, lot.serial,
    lot.told_at, lot.untold, lot.told_turn, lot.group, lot.version, at = read(LOT, packed)
  lot.incarnation = sub(packed, at)
  return lot
end

local function pack_lot(lot)
  return pack(LOT, lot.generation, lot.sequence, lot.stock, lot.held, lot.sold, lot.closed, lot.waiting,
    lot.least, lot.serial, lot.told_at, lot.untold, lot.told_turn, lot.group, lot.version) .. lot.incarnation
end

-- The batch: what was read, and what is to be written.
local lot, at_ms, key_buyers, key_expiries, key_groups, key_waiting
-- Entries of each buyer, `false` without any; and whose changed.
local entries, marked, changed_buyers, changed_count
-- New holds by the time they run out; of groups that are written, their members and how many are open.
local new_groups, new_counts, groups, counts, counts_changed
local group_number, open_mark
-- The first time at which an open hold runs out; `nil` when it is to be read again.
local first
local changed

local function begin(keys, loaded)
  lot = loaded
  key_buyers, key_expiries, key_groups, key_waiting = keys[2], keys[3], keys[4], keys[5]
  entries, marked, changed_buyers, changed_count = {}, {}, {}, 0
  new_groups, new_counts, groups, counts, counts_changed = {}, {}, {}, {}, {}
  lot.group = lot.group + 1
  group_number = pack('>I4', lot.group)
  open_mark = 'o' .. group_number
  first = nil
  changed = false
end

local function in_chunks(list, call)
  local n = #list
  for from = 1, n, CHUNK do
    call(unpack(list, from, math.min(from + CHUNK - 1, n)))
  end
end

local function read_buyers(buyers)
  for from = 1, #buyers, CHUNK do
    local found = redis.call('HMGET', key_buyers, unpack(buyers, from, math.min(from + CHUNK - 1, #buyers)))
    for i = 1, #found do
      entries[buyers[from + i - 1]] = found[i]
    end
  end
end

-- Of members (id, buyer).
local function read_missing_buyers(members)
  local missing = {}
  for i = 1, #members do
    local buyer = sub(members[i], 17)
    if entries[buyer] == nil then missing[#missing + 1] = buyer end
  end
  read_buyers(missing)
end

-- Where the order's entry begins, and its kind; `nil` without one.
local function find(buyer, id)
  local list = entries[buyer]
  if list then
    for at = 1, #list, ENTRY do
      if sub(list, at, at + 15) == id then return at, byte(list, at + 16) end
    end
  end
end

local function mark(buyer, list)
  entries[buyer] = list
  changed = true
  if not marked[buyer] then
    marked[buyer] = true
    changed_count = changed_count + 1
    changed_buyers[changed_count] = buyer
  end
end

-- Without the oldest that ended and have no units.
local function forget_oldest(list)
  local kept, over = {}, #list / ENTRY - ENTRIES_MAX / 2
  for at = 1, #list, ENTRY do
    local kind = byte(list, at + 16)
    if over > 0 and (kind == RELEASED or kind == EXPIRED) then
      over = over - 1
    else
      kept[#kept + 1] = sub(list, at, at + ENTRY - 1)
    end
  end
  return concat(kept)
end

-- In the place of the entry at `at`, or behind all when there is none.
local function put(buyer, at, entry)
  local list = entries[buyer]
  if not list then
    mark(buyer, entry)
  elseif at then
    mark(buyer, sub(list, 1, at - 1) .. entry .. sub(list, at + ENTRY))
  else
    if #list >= ENTRIES_MAX * ENTRY then list = forget_oldest(list) end
    mark(buyer, list .. entry)
  end
end

local function quantity_at(buyer, at)
  return (read('>I2', entries[buyer], at + 29))
end

-- Writes what waits, so that the sorted set can be read.
local function flush_groups()
  local add, set, remove, delete = {}, {}, {}, {}
  for time, members in pairs(new_groups) do
    local name = time .. group_number
    add[#add + 1] = (read('>d', time))
    add[#add + 1] = name
    -- A group is written twice when it was read in between.
    groups[name] = (groups[name] or '') .. concat(members)
    counts[name] = (counts[name] or 0) + new_counts[time]
    counts_changed[name] = true
    set[#set + 1] = name
    set[#set + 1] = groups[name]
  end
  if #add > 0 then new_groups, new_counts = {}, {} end
  for name in pairs(counts_changed) do
    if counts[name] > 0 then
      set[#set + 1] = name .. 'n'
      set[#set + 1] = counts[name]
    else
      remove[#remove + 1] = name
      delete[#delete + 1] = name
      delete[#delete + 1] = name .. 'n'
    end
  end
  counts_changed = {}
  in_chunks(add, function(...) redis.call('ZADD', key_expiries, ...) end)
  in_chunks(set, function(...) redis.call('HSET', key_groups, ...) end)
  in_chunks(remove, function(...) redis.call('ZREM', key_expiries, ...) end)
  in_chunks(delete, function(...) redis.call('HDEL', key_groups, ...) end)
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

local lengths = {}

-- `member` is id and buyer; `terms` is until and quantity, as they stand in an operation and in an entry.
local function open_hold(buyer, at, id, member, terms, quantity)
  lot.held = lot.held + quantity
  put(buyer, at, id .. open_mark .. terms)
  local time = sub(terms, 1, 8)
  local group = new_groups[time]
  if not group then
    group = {}
    new_groups[time], new_counts[time] = group, 0
    if first then first = math.min(first, (read('>d', time))) end
  end
  local n = new_counts[time]
  new_counts[time] = n + 1
  local length = lengths[#member]
  if not length then
    length = char(#member)
    lengths[#member] = length
  end
  group[2 * n + 1] = length
  group[2 * n + 2] = member
end

-- It is no open hold any more; its units stay where they are.
local function shut_hold(buyer, at)
  local list = entries[buyer]
  local number, time = sub(list, at + 17, at + 20), sub(list, at + 21, at + 28)
  if number == group_number and new_groups[time] then flush_groups() end
  local name = time .. number
  local open = (counts[name] or tonumber(redis.call('HGET', key_groups, name .. 'n'))) - 1
  counts[name] = open
  counts_changed[name] = true
  if first and open == 0 and read('>d', time) <= first then first = nil end
end

local function free_units()
  return math.max(lot.stock - lot.held - lot.sold, 0)
end

-- A buyer's own overdue holds do not count, swept or not.
local function within_limit(list, quantity, limit, now)
  if list then
    for at = 1, #list, ENTRY do
      local kind = byte(list, at + 16)
      if kind ~= RELEASED and kind ~= EXPIRED then
        local time, has = read('>dI2', list, at + 21)
        if kind ~= OPEN or time > now then quantity = quantity + has end
      end
    end
  end
  return quantity <= limit
end

-- Visits overdue holds, the longest overdue first, until `visit` returns true.
local function walk_overdue(now, visit)
  if first_expiry() > now then return end
  flush_groups()
  local names = redis.call('ZRANGEBYSCORE', key_expiries, '-inf', now)
  local next = 1
  while next <= #names do
    -- Groups that run out together are one.
    local time = sub(names[next], 1, 8)
    local members, number_of = {}, {}
    while next <= #names and sub(names[next], 1, 8) == time do
      local group = groups[names[next]] or redis.call('HGET', key_groups, names[next])
      local at = 1
      while at <= #group do
        local length = byte(group, at)
        local member = sub(group, at + 1, at + length)
        members[#members + 1] = member
        number_of[member] = sub(names[next], 9)
        at = at + length + 1
      end
      next = next + 1
    end
    read_missing_buyers(members)
    table.sort(members)
    for i = 1, #members do
      local member = members[i]
      local id, buyer = sub(member, 1, 16), sub(member, 17)
      local at = find(buyer, id)
      -- Others of the group have ended, or were held again.
      if at and sub(entries[buyer], at + 16, at + 28) == 'o' .. number_of[member] .. time then
        if visit(member, id, buyer, at) then return end
      end
    end
  end
end

-- Overdue holds that together have `wanted` units; and their units, which may be too few.
local function overdue_holds(wanted, now)
  local found, total = {}, 0
  if wanted > 0 then
    walk_overdue(now, function(member, _, buyer, at)
      total = total + quantity_at(buyer, at)
      found[#found + 1] = member
      return total >= wanted
    end)
  end
  return found, total
end

local function end_open(buyer, id, at, quantity)
  shut_hold(buyer, at)
  put(buyer, at, id .. 'e' .. NO_GROUP .. NO_TIME .. pack('>I2', quantity))
end

-- Each as it is answered: its length, then id and buyer.
local function told(members)
  local parts = {}
  for i = 1, #members do
    parts[2 * i - 1] = char(#members[i])
    parts[2 * i] = members[i]
  end
  return concat(parts)
end

-- Takes `wanted` units from overdue holds; what is left of them waits for the commit of their ends.
local function displace(members, wanted)
  for i = 1, #members do
    local id, buyer = sub(members[i], 1, 16), sub(members[i], 17)
    local at = find(buyer, id)
    local quantity = quantity_at(buyer, at)
    local taken = math.min(wanted, quantity)
    wanted = wanted - taken
    lot.held = lot.held - taken
    end_open(buyer, id, at, quantity - taken)
  end
end

local function stand_in_line(buyer, id, quantity, limit)
  lot.serial = lot.serial + 1
  redis.call('ZADD', key_waiting, lot.serial, id .. buyer)
  put(buyer, nil, id .. 'w' .. pack('>I4dI2', limit, lot.serial, quantity))
  lot.least = lot.waiting == 0 and quantity or math.min(lot.least, quantity)
  lot.waiting = lot.waiting + 1
end

-- Whoever stands in line, first come first, until `visit` returns true.
local function walk_line(visit)
  local members = redis.call('ZRANGE', key_waiting, 0, -1)
  read_missing_buyers(members)
  for i = 1, #members do
    local id, buyer = sub(members[i], 1, 16), sub(members[i], 17)
    local at = find(buyer, id)
    if visit(id, buyer, at, quantity_at(buyer, at)) then return end
  end
end

-- The entry stays as it is.
local function leave_line(id, buyer, quantity)
  redis.call('ZREM', key_waiting, id .. buyer)
  lot.waiting = lot.waiting - 1
  if quantity == lot.least then
    lot.least = 0
    walk_line(function(_, _, _, other)
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

