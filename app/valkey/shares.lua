-- Divides the limits of destinations among the delivery processes that use them now.
--
-- KEYS[1]  the living processes: sorted set, process id -> end of its registration
-- KEYS[..] one key a site, then one key a warm-up day, in the order of the request
-- ARGV[1]  JSON: now (seconds; < 0: the server's clock), worker, lease, alive (seconds),
--          sites: list of {rate (< 0: none), connections, demand (messages/s; < 0: the process leaves)},
--          days:  list of {count, burst, mine, want, seconds_left}
-- Returns  JSON: workers, rank, sites: list of {rate, connections, fresh}, days: list of {granted, total, wait}
--
-- Site: hash, process id -> "rate demand end connections"; "_" holds the process that asked last. A process gets the smaller of
-- its fair part and what the leases of the others leave, so at no time do the leases exceed the limit.
-- Day:  hash, process id -> messages it was granted; "_t" and "_at" are the bucket that spreads them over the day.

local ask = cjson.decode(ARGV[1])
local me, now = ask.worker, ask.now
if now < 0 then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1e6
end

local function milliseconds(seconds)
  return math.ceil(seconds * 1000)
end

redis.call('ZADD', KEYS[1], now + ask.alive, me)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('PEXPIRE', KEYS[1], milliseconds(ask.alive))
local living = redis.call('ZRANGE', KEYS[1], 0, -1)
table.sort(living)
local rank = 0
for i, id in ipairs(living) do
  if id == me then rank = i - 1 end
end

-- The fair part of one who wants `demand` beside others: nobody gets more than he wants while another lacks it, and
-- what nobody wants is spread evenly.
local function fair(limit, demands, demand)
  table.sort(demands)
  local left, takers = limit, #demands
  for _, wanted in ipairs(demands) do
    if wanted > left / takers then return math.min(demand, left / takers) end
    left, takers = left - wanted, takers - 1
  end
  return demand + left / #demands
end

-- With more processes than connections the turns go round, so that nobody waits for ever.
local function part(limit, users, place, turn)
  local base, rest = math.floor(limit / users), limit % users
  if base == 0 then place = (place + turn) % users end
  return base + (place < rest and 1 or 0)
end

local function site(key, wish)
  local limit, connections, demand = wish[1], wish[2], wish[3]
  if demand < 0 then
    redis.call('HDEL', key, me)
    return {0, 0, 0}
  end
  local fields = redis.call('HGETALL', key)
  local demands, users, granted, used, last, joined = {demand}, {me}, 0, 0, nil, true
  for i = 1, #fields, 2 do
    local id, value = fields[i], fields[i + 1]
    if id == '_' then
      last = value
    else
      local rate, wanted, ends, sessions = string.match(value, '(%S+) (%S+) (%S+) (%S+)')
      if tonumber(ends) <= now then
        redis.call('HDEL', key, id)
      elseif id == me then
        joined = false
      else
        granted, used = granted + tonumber(rate), used + tonumber(sessions)
        table.insert(demands, tonumber(wanted))
        table.insert(users, id)
      end
    end
  end
  table.sort(users)
  local place = 0
  for i, id in ipairs(users) do
    if id == me then place = i - 1 end
  end
  local rate, keep = -1, ask.lease
  if limit >= 0 then
    rate = math.max(0, math.min(fair(limit, demands, demand), limit - granted))
    keep = math.max(keep, math.min(3600, 2 / limit))
  end
  local share = part(connections, #users, place, math.floor(now / 10))
  share = math.max(0, math.min(share, connections - used))
  redis.call('HSET', key, '_', me, me, string.format('%.9g %.9g %.6f %d', math.max(rate, 0), demand, now + ask.lease, share))
  redis.call('PEXPIRE', key, milliseconds(keep))
  -- 0: goes on (also after a rest in which no other came); 1: nobody was here lately; 2: others were
  local fresh = 0
  if joined then fresh = (last == nil or last == false) and 1 or ((last == me and #users == 1) and 0 or 2) end
  return {rate, share, fresh}
end

local function day(key, wish)
  local count, burst, mine, want, left = wish[1], wish[2], wish[3], wish[4], wish[5]
  redis.call('HSET', key, me, mine)
  local fields, total, tokens, at = redis.call('HGETALL', key), 0, burst, now
  for i = 1, #fields, 2 do
    local value = tonumber(fields[i + 1])
    if fields[i] == '_t' then tokens = value
    elseif fields[i] == '_at' then at = value
    else total = total + value end
  end
  local elapsed, remaining = math.max(now - at, 0), math.max(count - total, 0)
  tokens = math.min(tokens + elapsed * remaining / (left + elapsed), burst)
  local granted = math.max(0, math.min(want, math.floor(tokens + 1e-3), remaining))
  tokens, total, remaining = tokens - granted, total + granted, remaining - granted
  redis.call('HSET', key, me, mine + granted, '_t', string.format('%.9f', tokens), '_at', string.format('%.6f', now))
  redis.call('PEXPIRE', key, milliseconds(left + 3600))
  local wait = left
  if remaining > 0 then wait = math.min(math.max(0, 1 - tokens) * left / remaining, left) end
  return {granted, total, wait}
end

local answer = {workers = #living, rank = rank, sites = {}, days = {}}
for i, wish in ipairs(ask.sites) do answer.sites[i] = site(KEYS[1 + i], wish) end
for i, wish in ipairs(ask.days) do answer.days[i] = day(KEYS[1 + #ask.sites + i], wish) end
return cjson.encode(answer)
