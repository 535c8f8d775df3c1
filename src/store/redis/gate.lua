#!lua name=apricot_gate_VERSION
-- A lot of the gate.

local function echo(keys, args)
  return args[1]
end

redis.register_function('apricot_gate_echo_VERSION', echo)
