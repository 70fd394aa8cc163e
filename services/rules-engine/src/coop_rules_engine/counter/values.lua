-- What rules take from Redis, for a batch of items, in one call.
--
-- KEYS: the marker of strikes, the marker of counts, then the keys of users' strikes, then the
-- groups to count in (sorted sets of submission by time).
-- ARGV: 1 when counts are taken without their marker (a rebuild); how many users; then six values
-- for each group: submission, its time (ms), window (ms), time from which members are kept (ms),
-- life of the group (ms), the most members a group has. A submission of '' is not counted itself.
-- Gives: whether strikes are whole, whether counts are, the users' strikes, the counts.
-- Where counts are not whole nothing is counted.

local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local strikes_whole = redis.call('GET', KEYS[1]) == run
local counts_whole = ARGV[1] == '1' or redis.call('GET', KEYS[2]) == run
local users = tonumber(ARGV[2])
local strikes, counts = {}, {}
for i = 1, users do
  strikes[i] = redis.call('GET', KEYS[2 + i]) or ''
end
if counts_whole then
  local at = 2
  for i = 3 + users, #KEYS do
    local key = KEYS[i]
    local submission, time, window = ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
    if submission ~= '' then
      redis.call('ZADD', key, 'NX', time, submission)
    end
    counts[#counts + 1] = redis.call('ZCOUNT', key, string.format('(%.0f', time - window), time)
    if submission ~= '' then
      redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. ARGV[at + 4])
      redis.call('ZREMRANGEBYRANK', key, 0, -1 - tonumber(ARGV[at + 6]))
      redis.call('PEXPIRE', key, ARGV[at + 5])
    end
    at = at + 6
  end
end
return {strikes_whole and 1 or 0, counts_whole and 1 or 0, strikes, counts}
