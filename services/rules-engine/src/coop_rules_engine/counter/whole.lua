-- Ends a rebuild: sets the marker (KEYS[2]) to ARGV[3], if the lock (KEYS[1]) is still held by
-- ARGV[1] and the server is still the run ARGV[2] on which the rebuild began. Gives 1 if so.

local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
if run ~= ARGV[2] then
  return 0
end
redis.call('SET', KEYS[2], ARGV[3])
return 1
