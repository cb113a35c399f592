-- What every script begins with: the order of a node's calls, edges, and what is forgotten.
-- All keys have one hash tag, and each script is given all of them: see `Keys` in mod.rs.
local EPOCH, LEASES, ENDED, SAID, LAST, OFFLINE, CALLS = unpack(KEYS)
local node = ARGV[1]
local call, heard, now = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local kept_seconds, remembered = ARGV[5], tonumber(ARGV[6])
local FIRST = 7

local done = redis.call('HMGET', CALLS, 'number', 'status', 'edges')
local number = tonumber(done[1] or 0)
-- Of a connection that was given up: it must not undo what the node said since.
if number > call then return {'late', {}, number} end
-- The node has the answer to a call of which nothing is known here.
if number < heard then return {'lost', {}, number} end

-- Flat: user, whether online, epoch, when. Those of answers that did not reach the node come first.
local edges = {}
if number > heard then edges = cmsgpack.unpack(done[3]) end
if number == call then return {done[2], edges, number} end

-- Numbers of Lua hold whole numbers up to 2^53, but are written otherwise if nobody says so.
local function whole(number) return string.format('%.0f', number) end

-- By the clock of Redis, so that epochs rise although Redis has lost the last one.
local time = redis.call('TIME')
local least = time[1] * 1000000 + time[2]
local epoch = tonumber(redis.call('GET', EPOCH) or 0)

local function keep(user, online, at)
  redis.call('HSET', LAST, user, (online and '1 ' or '0 ') .. whole(epoch) .. ' ' .. whole(at))
  if online then
    redis.call('ZREM', OFFLINE, user)
  else
    redis.call('ZADD', OFFLINE, whole(epoch), user)
  end
end

local function tell(user, online, at)
  epoch = math.max(epoch + 1, least)
  keep(user, online, at)
  local size = #edges
  edges[size + 1] = user
  edges[size + 2] = online and '1' or '0'
  edges[size + 3] = whole(epoch)
  edges[size + 4] = whole(at)
end

local function is_online(user)
  local edge = redis.call('HGET', LAST, user)
  return edge and edge:sub(1, 1) == '1'
end

-- Whether a lease that is valid now says so. First asked when the script has ended those that it ends.
local valid
local function is_said(user)
  valid = valid or redis.call('ZRANGEBYSCORE', LEASES, '(' .. ARGV[4], '+inf')
  if #valid == 0 then return false end
  local members = {}
  for i, lease in ipairs(valid) do members[i] = lease .. ':' .. user end
  for _, score in ipairs(redis.call('ZMSCORE', SAID, unpack(members))) do
    if score then return true end
  end
  return false
end

-- Takes at most `most` users from the leases that have ended, the last to end first: whom several have left
-- behind was online until then. Answers whether none is left.
local function drain(most)
  while most > 0 do
    local head = redis.call('ZREVRANGE', ENDED, 0, 0, 'WITHSCORES')
    if #head == 0 then return true end
    local lease, at = head[1], tonumber(head[2])
    local first, behind = '[' .. lease .. ':', '(' .. lease .. ';'
    local members = redis.call('ZRANGEBYLEX', SAID, first, behind, 'LIMIT', 0, most)
    for _, member in ipairs(members) do
      redis.call('ZREM', SAID, member)
      local user = member:sub(#lease + 2)
      if is_online(user) and not is_said(user) then tell(user, false, at) end
    end
    if #members < most then redis.call('ZREM', ENDED, lease) end
    most = most - #members - 1
  end
  return redis.call('ZCARD', ENDED) == 0
end

local function answer(status)
  redis.call('SET', EPOCH, whole(epoch))
  redis.call('HSET', CALLS, 'number', ARGV[2], 'status', status, 'edges', cmsgpack.pack(edges))
  local surplus = redis.call('ZCARD', OFFLINE) - remembered
  if surplus > 0 then
    local forgotten = redis.call('ZPOPMIN', OFFLINE, surplus)
    for i = 1, #forgotten, 2 do redis.call('HDEL', LAST, forgotten[i]) end
  end
  for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, kept_seconds) end
  return {status, edges, call}
end
