-- Counts one request in a fixed window of a second that begins with its first request.
-- KEYS[1]  whose window: a hash of its start (microseconds) and its count
-- ARGV[1]  requests a window lets through
-- ARGV[2]  present time in microseconds; -1: this server's clock
-- Returns 1 or 0 for let through or not, how many are left, and the end of the window in microseconds.
local limit = tonumber(ARGV[1])
local now = tonumber(ARGV[2])
if now < 0 then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local window = redis.call('HMGET', KEYS[1], 'start', 'count')
local start = tonumber(window[1] or '')
local count = tonumber(window[2] or '') or 0
-- A start ahead of now was written by another clock and would never end.
if not start or now >= start + 1000000 or start > now + 1000000 then
  start, count = now, 0
end
local passes = 0
if count < limit then
  passes, count = 1, count + 1
  redis.call('HSET', KEYS[1], 'start', string.format('%.0f', start), 'count', count)
  redis.call('PEXPIRE', KEYS[1], 2000)
end
return {passes, math.max(limit - count, 0), string.format('%.0f', start + 1000000)}
