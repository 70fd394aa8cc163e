-- The order of one queue. KEYS: order, leases, ranks, built, building. All of one hash slot.
--   order   sorted set, job by rank: free jobs
--   leases  sorted set, job by the time (ms) at which it comes back: held jobs, and reservations
--   ranks   hash, job to rank: of the jobs in `leases`
--   built   exists when `order` was filled from the rows
-- ARGV[1] is the command. Time is this server's, and everyone else speaks of durations.
local order, leases, ranks, built, building = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local command = ARGV[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function hold(job, rank, ms)
  redis.call('ZREM', order, job)
  redis.call('ZADD', leases, now + ms, job)
  redis.call('HSET', ranks, job, rank)
end

local function free(job, rank)
  redis.call('ZREM', leases, job)
  redis.call('HDEL', ranks, job)
  redis.call('ZADD', order, rank, job)
end

local function give_back_expired()
  for _, job in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 100)) do
    local rank = redis.call('HGET', ranks, job)
    if rank then
      free(job, rank)
    else
      redis.call('ZREM', leases, job)
    end
  end
end

-- The first job that is not hidden from the reviewer whose skips are in KEYS[6].
local function first(window, windows)
  for page = 0, windows - 1 do
    local jobs = redis.call('ZRANGE', order, page * window, (page + 1) * window - 1, 'WITHSCORES')
    for i = 1, #jobs, 2 do
      local hidden = redis.call('ZSCORE', KEYS[6], jobs[i])
      if not hidden or tonumber(hidden) <= now then
        return jobs[i], jobs[i + 1]
      end
    end
    if #jobs < 2 * window then return nil end
  end
  return nil
end

if command == 'reserve' then
  -- reserve window windows ms
  if redis.call('EXISTS', built) == 0 then return {'unbuilt'} end
  give_back_expired()
  local job, rank = first(tonumber(ARGV[2]), tonumber(ARGV[3]))
  if not job then return {'empty'} end
  hold(job, rank, tonumber(ARGV[4]))
  return {'job', job, rank}
elseif command == 'apply' then
  -- apply (op job rank ms)*
  for i = 2, #ARGV, 4 do
    local op, job, rank, ms = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
    if op == 'ADD' then
      if redis.call('ZSCORE', leases, job) then
        redis.call('HSET', ranks, job, rank)
      else
        redis.call('ZADD', order, rank, job)
      end
    elseif op == 'LEASE' then
      hold(job, rank, ms)
    elseif op == 'HELD' then
      -- As a row said a while ago: what Redis was told since is newer.
      if not redis.call('ZSCORE', order, job) and not redis.call('ZSCORE', leases, job) then
        hold(job, rank, ms)
      end
    elseif op == 'FREE' then
      free(job, rank)
    elseif op == 'REMOVE' then
      redis.call('ZREM', order, job)
      redis.call('ZREM', leases, job)
      redis.call('HDEL', ranks, job)
    end
  end
  return {'ok'}
elseif command == 'hide' then
  -- hide job ms: KEYS[6] are the reviewer's skips
  redis.call('ZREMRANGEBYSCORE', KEYS[6], '-inf', now)
  redis.call('ZADD', KEYS[6], now + tonumber(ARGV[3]), ARGV[2])
  local last = redis.call('ZRANGE', KEYS[6], -1, -1, 'WITHSCORES')
  redis.call('PEXPIRE', KEYS[6], math.max(1, math.ceil(tonumber(last[2]) - now)))
  return {'ok'}
elseif command == 'size' then
  if redis.call('EXISTS', built) == 0 then return {'unbuilt'} end
  return {'size', tostring(redis.call('ZCARD', order) + redis.call('ZCARD', leases))}
elseif command == 'members' then
  -- members first last: free jobs by position
  if ARGV[2] == '0' then give_back_expired() end
  return redis.call('ZRANGE', order, ARGV[2], ARGV[3])
elseif command == 'begin' then
  -- begin token ms: one process at a time fills the order
  if redis.call('SET', building, ARGV[2], 'NX', 'PX', ARGV[3]) then return {'ok'} end
  return {'busy'}
elseif command == 'keep' then
  -- keep token ms: false when the data was lost, or the time ran out, since `begin`
  if redis.call('GET', building) ~= ARGV[2] then return {'lost'} end
  redis.call('PEXPIRE', building, ARGV[3])
  return {'ok'}
elseif command == 'built' then
  -- built token: the order is whole, unless the data was lost since `begin`
  if redis.call('GET', building) ~= ARGV[2] then return {'lost'} end
  redis.call('SET', built, 1)
  redis.call('DEL', building)
  return {'ok'}
end
return redis.error_reply('unknown command ' .. command)
