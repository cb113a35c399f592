-- Arguments: whether online and who, for each user.
local lease = redis.call('ZSCORE', LEASES, node)
if not lease or tonumber(lease) <= now then return {'no lease', {}, number} end
for i = FIRST, #ARGV, 2 do
  local user = ARGV[i + 1]
  local member = node .. ':' .. user
  if ARGV[i] == '1' then
    redis.call('ZADD', SAID, 0, member)
    if not is_online(user) then tell(user, true, now) end
  elseif redis.call('ZREM', SAID, member) == 1 and is_online(user) and not is_said(user) then
    tell(user, false, now)
  end
end
return answer('kept')
