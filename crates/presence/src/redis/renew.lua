-- Arguments: microseconds of the lease, users to take from ended leases at most.
local until_, most = now + tonumber(ARGV[FIRST]), tonumber(ARGV[FIRST + 1])
local ran_out = redis.call('ZRANGEBYSCORE', LEASES, '-inf', ARGV[4], 'WITHSCORES')
for i = 1, #ran_out, 2 do
  redis.call('ZADD', ENDED, ran_out[i + 1], ran_out[i])
  redis.call('ZREM', LEASES, ran_out[i])
end
-- Before anything that takes its time.
local is_held = redis.call('ZSCORE', LEASES, node)
if is_held then redis.call('ZADD', LEASES, whole(until_), node) end
if not drain(most) then return answer('more') end
if is_held then return answer('held') end
redis.call('ZADD', LEASES, whole(until_), node)
return answer('taken')
