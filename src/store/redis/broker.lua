#!lua name=apricot_broker_VERSION
-- The order of a room among many nodes. One hash tag for a room:
--   head      e epoch (8 bytes), s the offset behind which it began, n the newest offset, h hearts, v version of the room's record,
--             p and w the epoch before and the last offset that it used, o:<label> for what is said once
--   critical  a stream of the last publications, by offset
--   chat      a stream of the last lines
--   live      the channel
-- Whoever reads a room's keys finds them complete or not at all: they are written in one call and expire together.

-- A viewer may be away for as long as the ring of a node remembers (512); half as many again for nodes that were away.
local CRITICAL_KEPT = 768
-- What somebody who joins is shown (50), and some that will have been taken back.
local LINES_KEPT = 80
-- A room that nobody has said anything to for two days begins anew.
local KEEP_SECONDS = 172800

local function number(text)
  return tonumber(text or '0') or 0
end

local function text(count)
  return string.format('%.0f', count)
end

local function read_head(key)
  local head = redis.call('HMGET', key, 'e', 's', 'n', 'h', 'v')
  return { epoch = head[1], since = number(head[2]), last = number(head[3]), hearts = number(head[4]), version = number(head[5]) }
end

-- As every message begins: four numbers of 8 bytes.
local function standing(head)
  return head.epoch .. struct.pack('<I8I8I8', head.since, head.last, head.hearts)
end

-- Offsets between the last one of the old epoch and the first one of the new are used by nobody.
local function begin(head, new_epoch, since, before, last_before)
  head.before, head.last_before = before ~= '' and before or new_epoch, last_before
  head.epoch, head.since, head.last = new_epoch, since, since
end

local function append(stream, offset, name, bytes)
  redis.call('XADD', stream, 'MAXLEN', '~', CRITICAL_KEPT, text(offset) .. '-1', 'i', name, 'b', bytes)
end

-- A replica that lagged took over, and others have gone on from what it had: its offsets have another meaning than those of who asks.
local function is_another(head, stream, told_epoch, told_offset, told_name)
  if told_name == '' or head.epoch ~= told_epoch then
    return false
  end
  local id = text(told_offset) .. '-1'
  local entry = redis.call('XRANGE', stream, id, id)[1]
  return entry ~= nil and entry[2][2] ~= told_name
end

local function names_in(stream)
  local names = {}
  for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+')) do
    names[entry[2][2]] = true
  end
  return names
end

local function delete_line(chat, name)
  for _, entry in ipairs(redis.call('XRANGE', chat, '-', '+')) do
    if entry[2][2] == name then
      redis.call('XDEL', chat, entry[1])
    end
  end
end

-- KEYS head critical chat live
-- ARGV new_epoch told_epoch told_offset told_name renews raises again hearts_more hearts_known room_version
--      count of critical, then name, label and bytes of each
--      count of lines, then name and bytes of each
--      count of deleted lines, then the name of each
--      the rest
local function publish(keys, args)
  local at = 0
  local function next_arg()
    at = at + 1
    return args[at]
  end
  local new_epoch, told_epoch, told_offset, told_name = next_arg(), next_arg(), number(next_arg()), next_arg()
  local renews, raises, again = next_arg(), next_arg() == '1', next_arg() == '1'
  local more, known, version = number(next_arg()), number(next_arg()), number(next_arg())
  local head = read_head(keys[1])

  local critical, said_before = {}, again and names_in(keys[2]) or {}
  for _ = 1, number(next_arg()) do
    local said = { name = next_arg(), once = next_arg(), bytes = next_arg() }
    local seen = said_before[said.name] or (said.once ~= '' and redis.call('HSETNX', keys[1], 'o:' .. said.once, '1') == 0)
    if not seen then
      critical[#critical + 1] = said
    end
  end

  if not head.epoch then
    redis.call('DEL', keys[2])
    begin(head, new_epoch, told_offset, told_epoch, told_offset)
  else
    local lost_its_tail = head.epoch == told_epoch and head.last < told_offset
    -- A call without an answer that did all it should has told nothing outside of the order.
    local ends = head.epoch == renews and (#critical > 0 or not again)
    if lost_its_tail or ends or is_another(head, keys[2], told_epoch, told_offset, told_name) then
      local since = head.epoch == told_epoch and math.max(head.last, told_offset) or head.last
      begin(head, new_epoch, since, head.epoch, raises and head.last or since)
    end
  end

  local parts = {}
  for _, said in ipairs(critical) do
    head.last = head.last + 1
    append(keys[2], head.last, said.name, said.bytes)
    parts[#parts + 1] = said.bytes
  end
  for _ = 1, number(next_arg()) do
    local name, bytes = next_arg(), next_arg()
    redis.call('XADD', keys[3], 'MAXLEN', '~', LINES_KEPT, '*', 'i', name, 'b', bytes)
    parts[#parts + 1] = bytes
  end
  for _ = 1, number(next_arg()) do
    delete_line(keys[3], next_arg())
  end
  parts[#parts + 1] = next_arg()

  head.hearts = math.max(head.hearts, known) + more
  head.version = math.max(head.version, version)
  redis.call('HSET', keys[1], 'e', head.epoch, 's', text(head.since), 'n', text(head.last), 'h', text(head.hearts),
    'v', text(head.version))
  if head.before then
    redis.call('HSET', keys[1], 'p', head.before, 'w', text(head.last_before))
  end
  for key = 1, 3 do
    redis.call('EXPIRE', keys[key], KEEP_SECONDS)
  end
  redis.call('SPUBLISH', keys[4], standing(head) .. table.concat(parts))
  return standing(head)
end

-- KEYS head critical chat
-- ARGV new_epoch told_epoch told_offset told_name
-- A room that was never said anything to begins here, so that those who join it have a position.
local function read(keys, args)
  local new_epoch, told_epoch, told_offset, told_name = args[1], args[2], number(args[3]), args[4]
  local head = read_head(keys[1])
  if not head.epoch then
    redis.call('DEL', keys[2])
    begin(head, new_epoch, told_offset, told_epoch, told_offset)
  elseif is_another(head, keys[2], told_epoch, told_offset, told_name) then
    local since = math.max(head.last, told_offset)
    begin(head, new_epoch, since, head.epoch, since)
  end
  if head.before then
    redis.call('HSET', keys[1], 'e', head.epoch, 's', text(head.since), 'n', text(head.last), 'p', head.before,
      'w', text(head.last_before))
    redis.call('EXPIRE', keys[1], KEEP_SECONDS)
  end
  local from = '-'
  if head.epoch == told_epoch and head.last >= told_offset then
    from = text(told_offset + 1)
  end
  local critical = {}
  for _, entry in ipairs(redis.call('XRANGE', keys[2], from, '+')) do
    critical[#critical + 1] = struct.pack('<I8', number(string.match(entry[1], '^%d+'))) .. entry[2][4]
  end
  local lines = {}
  for _, entry in ipairs(redis.call('XRANGE', keys[3], '-', '+')) do
    lines[#lines + 1] = entry[2][4]
  end
  local before = redis.call('HMGET', keys[1], 'p', 'w')
  return { standing(head), before[1] .. struct.pack('<I8', number(before[2])), text(head.version), critical, lines }
end

redis.register_function('apricot_broker_publish_VERSION', publish)
redis.register_function('apricot_broker_read_VERSION', read)
