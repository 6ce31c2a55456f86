import { RedisScript } from './redis-script.js';

/** Scripts that read or change one session. Each is atomic, as every method of a `TokenRepository` must be. */

export const INSERT = new RedisScript(`
if redis.call('EXISTS', sessionKey(args.id)) == 1 then return redis.error_reply('EXISTS a session with this id exists') end
local fields = args.fields
fields.createdAt, fields.lastUsedAt = now, now
fields.idleExpiresAt, fields.absoluteExpiresAt = now + args.idleMs, now + args.absoluteMs
fields.authTime = args.authTime or now
save(args.id, fields)
redis.call('PEXPIREAT', sessionKey(args.id), string.format('%.0f', fields.absoluteExpiresAt + DAY))
index({ id = args.id, subject = fields.subject }, now)
redis.call('ZADD', base .. ':expiry', fields.absoluteExpiresAt, args.id)

local ended = {}
if args.keep then
  local live = {}
  for _, id in ipairs(redis.call('ZRANGE', subjectKey(fields.subject), 0, -1)) do
    local session = load(id)
    if isLive(session) then
      session.used, session.created = number(session, 'lastUsedAt'), number(session, 'createdAt')
      -- A last use in the future shows that the clock has been set back. Such a session counts as the oldest.
      session.ahead = session.used > now + 60000 and 1 or 0
      live[#live + 1] = session
    end
  end
  table.sort(live, function(a, b)
    if args.ends == 'newest' then
      if a.created ~= b.created then return a.created < b.created end
    else
      if a.ahead ~= b.ahead then return a.ahead < b.ahead end
      if a.used ~= b.used then return a.used > b.used end
    end
    return a.id < b.id
  end)
  for i = args.keep + 1, #live do
    finish(live[i], 'limit')
    ended[#ended + 1] = live[i].id
  end
end
local result = snapshot(args.id)
result[3] = ended
return result
`);

export const ROTATE = new RedisScript(`
local session = load(args.id)
if not isLive(session) or not hasRightKey(session) then return false end
if number(session, 'generation') ~= args.generation or number(session, 'branch') < args.branch then return false end
if args.settleMs and number(session, 'rotatedAt') > now - args.settleMs then return false end
local changes = {
  generation = args.generation + 1, branch = 0, parentBranch = args.branch, rotatedAt = now, lastUsedAt = now,
  idleExpiresAt = now + tonumber(session.ownIdleMs or args.idleMs),
}
if args.limit then
  local isOver = now >= number(session, 'windowStartedAt') + args.limit.perMs
  if not isOver and number(session, 'windowCount') >= args.limit.max then return false end
  changes.windowCount = isOver and 1 or number(session, 'windowCount') + 1
  if isOver then changes.windowStartedAt = now end
end
save(args.id, changes)
index(session, now)
return snapshot(args.id)
`);

export const ADVANCE = new RedisScript(`
local session = load(args.id)
if not session or session.revokedAt or not hasRightKey(session) then return false end
if number(session, 'generation') ~= args.from.generation or number(session, 'branch') ~= args.from.branch then return false end
local changes = { generation = args.generation, branch = args.branch, parentBranch = args.parentBranch }
if args.restartsGrace then changes.rotatedAt = now end
if args.idleMs then
  changes.lastUsedAt, changes.idleExpiresAt = now, now + tonumber(session.ownIdleMs or args.idleMs)
  index(session, now)
end
save(args.id, changes)
return snapshot(args.id)
`);

export const FIND = new RedisScript(`
return snapshot(args.id)
`);

export const UPDATE = new RedisScript(`
local session = load(args.id)
if not isLive(session) then return 0 end
local changes = args.set
if args.authTime then changes.authTime = now end
if args.accessRevokedAt then
  changes.accessRevokedAt = math.max(now, number(session, 'accessRevokedAt') + 1)
  redis.call('ZADD', base .. ':revoked', changes.accessRevokedAt, args.id)
end
if args.usedAgoMs then
  changes.lastUsedAt = math.max(number(session, 'lastUsedAt'), now - args.usedAgoMs)
  index(session, changes.lastUsedAt)
end
save(args.id, changes)
for _, field in ipairs(args.remove) do redis.call('HDEL', sessionKey(args.id), field) end
return 1
`);

export const BIND = new RedisScript(`
local session = load(args.id)
if not isLive(session) or session.boundKey then return 0 end
save(args.id, { boundKey = args.boundKey })
return 1
`);

export const REVOKE = new RedisScript(`
local session = load(args.id)
if not session or session.revokedAt then return 0 end
if args.subject and session.subject ~= args.subject then return 0 end
if args.only and (number(session, 'generation') ~= args.only.generation or number(session, 'branch') ~= args.only.branch) then return 0 end
finish(session, args.reason)
return 1
`);
