-- After Redis has lost what the node said: its lease has ended, and has left these users behind.
-- Arguments: when the lease ran out or will, users.
local lease = redis.call('ZSCORE', LEASES, node) or ARGV[FIRST]
redis.call('ZREM', LEASES, node)
redis.call('ZADD', ENDED, whole(math.min(now, tonumber(lease))), node)
for i = FIRST + 1, #ARGV do
  redis.call('ZADD', SAID, 0, node .. ':' .. ARGV[i])
  -- As they were told to be: only then are they told to be it no more.
  if not is_online(ARGV[i]) then keep(ARGV[i], true, now) end
end
return answer('restored')
