-- Arguments: users to take from ended leases at most.
local lease = redis.call('ZSCORE', LEASES, node)
if lease then
  redis.call('ZREM', LEASES, node)
  redis.call('ZADD', ENDED, whole(math.min(now, tonumber(lease))), node)
end
if not drain(tonumber(ARGV[FIRST])) then return answer('more') end
return answer('released')
