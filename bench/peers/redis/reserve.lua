-- One reservation, as a careful Redis user would write it: atomic, because Redis runs one script at a time.
-- KEYS: the level, the idempotency key. ARGV: quantity, seconds until it expires.
-- Gives the reservation's id; the first id again for a key already used with the same request.
local request = KEYS[1] .. ' ' .. ARGV[1] .. ' ' .. ARGV[2]
local answered = redis.call('GET', KEYS[2])
if answered then
  local id, first = string.match(answered, '^(%d+) (.*)$')
  if first ~= request then return redis.error_reply('USED the key was used for another request') end
  return tonumber(id)
end
local level = redis.call('HMGET', KEYS[1], 'on_hand', 'reserved')
if not level[1] or level[1] - level[2] < tonumber(ARGV[1]) then return redis.error_reply('SHORT not enough available') end
local id = redis.call('INCR', 'reservation_id')
local now = redis.call('TIME')
local expires_at = now[1] + ARGV[2]
redis.call('HINCRBY', KEYS[1], 'reserved', ARGV[1])
redis.call('SET', 'reservation:' .. id, request .. ' held ' .. now[1] .. ' ' .. expires_at)
redis.call('ZADD', 'expiry', expires_at, id)
redis.call('SET', KEYS[2], id .. ' ' .. request, 'EX', 86400)
redis.call('XADD', 'ledger', '*', 'hold', KEYS[1], 'quantity', ARGV[1], 'reservation', id)
return id
