#!lua name=apricot_bench
-- The baseline: one hold in a call, with its limit and its expiry, as one would write it who does not gather.
--
-- KEYS: lot      hash: stock, held                 buyers   hash, buyer -> units
--       orders   hash, id -> units and buyer       expiries sorted set, id by the time it runs out
-- ARGV: order, buyer, quantity, limit, until, now. The answer: 1 held, 0 refused.

local function overdue_units(orders, expiries, now)
  local units = 0
  for _, order in ipairs(redis.call('ZRANGEBYSCORE', expiries, '-inf', now)) do
    units = units + tonumber(string.match(redis.call('HGET', orders, order), '^%d+'))
  end
  return units
end

redis.register_function('apricot_bench_hold', function(keys, args)
  local lot, buyers, orders, expiries = keys[1], keys[2], keys[3], keys[4]
  local order, buyer, quantity = args[1], args[2], tonumber(args[3])
  if redis.call('HEXISTS', orders, order) == 1 then return 0 end
  local has = tonumber(redis.call('HGET', buyers, buyer) or 0)
  if has + quantity > tonumber(args[4]) then return 0 end
  local units = redis.call('HMGET', lot, 'stock', 'held')
  local free = tonumber(units[1]) - tonumber(units[2] or 0)
  if free < quantity and free + overdue_units(orders, expiries, args[6]) < quantity then return 0 end
  redis.call('HINCRBY', lot, 'held', quantity)
  redis.call('HINCRBY', buyers, buyer, quantity)
  redis.call('HSET', orders, order, quantity .. ' ' .. buyer)
  redis.call('ZADD', expiries, args[5], order)
  return 1
end)
