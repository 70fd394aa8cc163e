-- Users' strikes in one call.
--
-- KEYS: the marker of strikes, then the keys of users' strikes.
-- Gives: the users' strikes, '' for none; nothing at all where Redis does not hold all of them.

local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if redis.call('GET', KEYS[1]) ~= run then
  return {}
end
local strikes = {}
for i = 2, #KEYS do
  strikes[i - 1] = redis.call('GET', KEYS[i]) or ''
end
return strikes
