import { RedisScript } from './redis-script.js';

/** Scripts that read or change many sessions. None of them takes more than a step of bounded size, because Redis does nothing else meanwhile. */

export const LIST = new RedisScript(`
local key, found, offset = subjectKey(args.subject), {}, 0
local from = args.after and string.format('%.0f', -args.after.lastUsedAt) or '-inf'
while #found < args.limit do
  local ids = redis.call('ZRANGEBYSCORE', key, from, '+inf', 'WITHSCORES', 'LIMIT', offset, 100)
  if #ids == 0 then break end
  for i = 1, #ids, 2 do
    local isBefore = args.after and tonumber(ids[i + 1]) == -args.after.lastUsedAt and ids[i] <= args.after.id
    if not isBefore and #found < args.limit and isLive(load(ids[i])) then
      found[#found + 1] = { ids[i], redis.call('HGETALL', sessionKey(ids[i])) }
    end
  end
  offset = offset + #ids / 2
end
return found
`);

/** One step of a thousand sessions. */
export const REVOKE_ALL = new RedisScript(`
local ended = {}
for _, id in ipairs(redis.call('ZRANGE', subjectKey(args.subject), 0, 1000)) do
  local session = load(id)
  if not session then
    redis.call('ZREM', subjectKey(args.subject), id)
  elseif id ~= args.except then
    finish(session, args.reason)
    ended[#ended + 1] = id
  end
end
return ended
`);

export const REVOKED_SINCE = new RedisScript(`
local found, offset = {}, 0
local start = args.withinMs and now - args.withinMs or args.revokedAt
while #found < args.limit do
  local ids = redis.call('ZRANGEBYSCORE', base .. ':revoked', string.format('%.0f', start), '+inf', 'WITHSCORES', 'LIMIT', offset, 100)
  if #ids == 0 then break end
  for i = 1, #ids, 2 do
    local isBefore = tonumber(ids[i + 1]) == start and ids[i] <= (args.id or '')
    if not isBefore and #found < args.limit then
      local hasEnded = redis.call('HEXISTS', sessionKey(ids[i]), 'revokedAt')
      found[#found + 1] = { ids[i], ids[i + 1], hasEnded }
    end
  end
  offset = offset + #ids / 2
end
return { string.format('%.0f', now), found }
`);

export const PURGE = new RedisScript(`
local ids = redis.call('ZRANGEBYSCORE', base .. ':expiry', '-inf', string.format('%.0f', now), 'LIMIT', 0, args.max)
for _, id in ipairs(ids) do
  local subject = redis.call('HGET', sessionKey(id), 'subject')
  if subject then redis.call('ZREM', subjectKey(subject), id) end
  redis.call('DEL', sessionKey(id))
  redis.call('ZREM', base .. ':revoked', id)
  redis.call('ZREM', base .. ':expiry', id)
end
return #ids
`);
