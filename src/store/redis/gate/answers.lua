-- What may be asked, by its letter.
local ask = {}

function ask.h(op, buyer)
  if lot.closed == 1 then return CLOSED end
  local member = sub(op, 22)
  local id = sub(member, 1, 16)
  local quantity, now, limit = read('>I2dI2', op, 10)
  local list, at, kind = entries[buyer], nil, nil
  if list then
    at, kind = find(buyer, id)
    if at and kind ~= EXPIRED then return KNOWN end
  end
  if not within_limit(list, quantity, limit, now) then return LIMIT end
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
    answer = told(displaced)
    at = find(buyer, id)
  end
  open_hold(buyer, at, id, member, sub(op, 2, 11), quantity)
  return answer
end

-- With the greatest length of the line in the place of until.
function ask.w(op, buyer, id)
  local max, quantity, now, limit = read('>dI2dI2', op, 2)
  if lot.closed == 1 or lot.sold == lot.stock then return SOLD_OUT end
  if find(buyer, id) then return KNOWN end
  if not within_limit(entries[buyer], quantity, limit, now) then return LIMIT end
  if lot.waiting >= max then return FULL end
  stand_in_line(buyer, id, quantity, limit)
  return lot.waiting
end

local function not_open(kind)
  if kind == OPEN then return nil end
  if kind == ENDED then return ENDING end
  return ENDS[kind] or UNKNOWN
end

function ask.c(op, buyer, id)
  local at, kind = find(buyer, id)
  local refused = not_open(kind)
  if refused then return refused end
  local time, quantity = read('>dI2', entries[buyer], at + 21)
  if time <= read('>d', op, 12) then return RAN_OUT end
  shut_hold(buyer, at)
  lot.held = lot.held - quantity
  lot.sold = lot.sold + quantity
  put(buyer, at, id .. 'c' .. NO_GROUP .. NO_TIME .. pack('>I2', quantity))
  return 0
end

function ask.e(_, buyer, id)
  local at, kind = find(buyer, id)
  local refused = not_open(kind)
  if refused then return refused end
  end_open(buyer, id, at, quantity_at(buyer, at))
  return 0
end

-- With the letter of the outcome in the place of the limit.
function ask.f(op, buyer, id)
  local at, kind = find(buyer, id)
  if kind ~= OPEN and kind ~= ENDED then return 0 end
  lot.held = lot.held - quantity_at(buyer, at)
  -- Still open: the lot was read again while the end was on its way to the record.
  if kind == OPEN then shut_hold(buyer, at) end
  put(buyer, at, id .. char((read('>I2', op, 20))) .. NO_GROUP .. NO_TIME .. '\0\0')
  return 0
end

function ask.l(_, buyer, id)
  local at, kind = find(buyer, id)
  if kind ~= WAITS then return 0 end
  local quantity = quantity_at(buyer, at)
  put(buyer, at, '')
  leave_line(id, buyer, quantity)
  return 1
end

function ask.p(_, buyer, id)
  return (redis.call('ZRANK', key_waiting, id .. buyer) or -1) + 1
end

function ask.n(op)
  local free = free_units()
  local answer = ''
  if not offerable(free) then return answer end
  walk_line(function(id, buyer, at, quantity)
    if quantity > free then return false end
    leave_line(id, buyer, quantity)
    local limit = read('>I4', entries[buyer], at + 17)
    open_hold(buyer, at, id, id .. buyer, sub(op, 2, 9) .. pack('>I2', quantity), quantity)
    answer = id .. pack('>I2I2', quantity, limit) .. buyer
    return true
  end)
  return answer
end

-- With the greatest number of holds in the place of until.
function ask.x(op)
  local max, _, now = read('>dI2d', op, 2)
  local members = {}
  if max > 0 then
    walk_overdue(now, function(member)
      members[#members + 1] = member
      return #members >= max
    end)
  end
  for i = 1, #members do
    local id, buyer = sub(members[i], 1, 16), sub(members[i], 17)
    local at = find(buyer, id)
    end_open(buyer, id, at, quantity_at(buyer, at))
  end
  return told(members)
end

-- With the units in the place of until.
function ask.t(op)
  local units = read('>d', op, 2)
  if lot.closed == 1 then return CLOSED end
  local free = free_units()
  if units > free then return SOLD_OUT - free end
  lot.stock = lot.stock - units
  changed = true
  return 0
end

-- With the stock in the place of until, and the version of the sale in the place of now.
function ask.s(op)
  local stock, _, version = read('>dI2d', op, 2)
  if version > lot.version then
    lot.stock, lot.version = stock, version
    changed = true
  end
  return 0
end

function ask.z()
  local dismissed = {}
  walk_line(function(id, buyer, at)
    dismissed[#dismissed + 1] = id
    put(buyer, at, '')
  end)
  redis.call('DEL', key_waiting)
  lot.waiting, lot.least, lot.closed = 0, 0, 1
  changed = true
  return concat(dismissed)
end

function ask.r()
  return 0
end

function ask.H(op, buyer, id)
  local at, kind = find(buyer, id)
  if at and kind ~= WAITS then return 0 end
  ask.l(op, buyer, id)
  open_hold(buyer, nil, id, id .. buyer, sub(op, 2, 11), (read('>I2', op, 10)))
  return 0
end

function ask.C(op, buyer, id)
  ask.l(op, buyer, id)
  local quantity = read('>I2', op, 10)
  local at, kind = find(buyer, id)
  if kind == CLAIMED then return 0 end
  if kind == OPEN or kind == ENDED then
    lot.held = lot.held - quantity_at(buyer, at)
    if kind == OPEN then shut_hold(buyer, at) end
  end
  lot.sold = lot.sold + quantity
  put(buyer, at, id .. 'c' .. NO_GROUP .. NO_TIME .. sub(op, 10, 11))
  return 0
end

function ask.W(op, buyer, id)
  if find(buyer, id) or lot.closed == 1 then return 0 end
  local quantity, _, limit = read('>I2dI2', op, 10)
  stand_in_line(buyer, id, quantity, limit)
  return 0
end

