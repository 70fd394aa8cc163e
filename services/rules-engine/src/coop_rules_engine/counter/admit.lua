-- Whether rules may act on submissions: their daily limits and the ceilings of their blast radius.
--
-- KEYS: the marker of quotas, then four for each request: the submissions of the day on which the
-- rule acted (set), why the rule was tripped (string), its actions of the minute by submission
-- (hash, '#' is their sum), the users of the hour on whom it acted (set).
-- ARGV: how many requests; then nine values for each: submission, begin of its day (ms), daily
-- limit, actions a minute, users an hour (each -1: none), user ('': none), number of actions,
-- life of the day's set (ms), life of the minute's and the hour's (ms).
-- Gives: for each request {0} it acts, {1} beyond the daily limit, {2} tripped before,
-- {3, measure, count} this submission trips the rule. Asking again gives the same answer.
-- Where quotas are not whole from the earliest day on: {-1, begin of that day}, and nothing changes.

local requests = tonumber(ARGV[1])
local TRIP_LIFE = 30 * 24 * 60 * 60 * 1000

local earliest
for i = 0, requests - 1 do
  local day, daily = tonumber(ARGV[i * 9 + 3]), tonumber(ARGV[i * 9 + 4])
  if daily >= 0 and (not earliest or day < earliest) then
    earliest = day
  end
end
if earliest then
  local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  local held, since = string.match(redis.call('GET', KEYS[1]) or '', '^(%x+):(%d+)$')
  if held ~= run or tonumber(since) > earliest then
    return {{-1, string.format('%.0f', earliest)}}
  end
end

local function trip(key, submission, measure, count)
  redis.call('SET', key, measure .. ' ' .. count .. ' ' .. submission, 'PX', TRIP_LIFE)
  return {3, measure, count}
end

local function decide(quota, tripped, minute, hour, a)
  local submission, user = ARGV[a + 1], ARGV[a + 6]
  local daily, per_minute, per_hour = tonumber(ARGV[a + 3]), tonumber(ARGV[a + 4]), tonumber(ARGV[a + 5])
  local actions = tonumber(ARGV[a + 7])
  local watched = per_minute >= 0 or per_hour >= 0
  if watched and redis.call('HEXISTS', minute, submission) == 1 then
    watched = false -- it acted already: say so again
    if daily < 0 or redis.call('SISMEMBER', quota, submission) == 1 then
      return {0}
    end
    redis.call('SADD', quota, submission)
    redis.call('PEXPIRE', quota, ARGV[a + 8])
    return {0}
  end
  local counted = daily >= 0 and redis.call('SISMEMBER', quota, submission) == 1
  if watched and not counted then
    local found = redis.call('GET', tripped)
    if found then
      local measure, count, by = string.match(found, '^(%d+) (%d+) (.*)$')
      if by == submission then
        return {3, tonumber(measure), tonumber(count)}
      end
      return {2}
    end
  end
  if daily >= 0 and not counted and redis.call('SCARD', quota) >= daily then
    return {1}
  end
  if watched and not counted then
    local acted = tonumber(redis.call('HGET', minute, '#') or 0) + actions
    if per_minute >= 0 and acted > per_minute then
      return trip(tripped, submission, 1, acted)
    end
    if per_hour >= 0 and user ~= '' and redis.call('SISMEMBER', hour, user) == 0 then
      local users = redis.call('SCARD', hour) + 1
      if users > per_hour then
        return trip(tripped, submission, 2, users)
      end
    end
  end
  if daily >= 0 and not counted then
    redis.call('SADD', quota, submission)
    redis.call('PEXPIRE', quota, ARGV[a + 8])
  end
  if watched then
    redis.call('HSET', minute, submission, actions)
    redis.call('HINCRBY', minute, '#', actions)
    redis.call('PEXPIRE', minute, ARGV[a + 9])
    if user ~= '' then
      redis.call('SADD', hour, user)
      redis.call('PEXPIRE', hour, ARGV[a + 9])
    end
  end
  return {0}
end

local answers = {}
for i = 0, requests - 1 do
  answers[i + 1] = decide(KEYS[i * 4 + 2], KEYS[i * 4 + 3], KEYS[i * 4 + 4], KEYS[i * 4 + 5], i * 9 + 1)
end
return answers
