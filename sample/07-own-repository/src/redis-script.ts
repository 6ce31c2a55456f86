import type { Redis } from 'ioredis';
import { createHash } from 'node:crypto';

/**
 * What all scripts begin with. Redis runs one script at a time, so whatever a script reads stays true until it has written.
 *
 * `KEYS[1]` is the beginning of all keys of one instance of the module, `ARGV[1]` is a JSON object. A missing member of it is nil. The
 * instant is Redis's own (TIME), so that all nodes agree on it.
 *
 * - `<base>:session:<id>` is a hash with one session. It is evidence for reuse detection until its absolute expiry. Redis deletes it a day
 *   after that, if `purge` has not done so before.
 * - `<base>:subject:<subject>` is a sorted set of the session ids of a subject that are not revoked, those used last first.
 * - `<base>:revoked` is a sorted set of revoked sessions, by the instant of the revocation.
 * - `<base>:expiry` is a sorted set of all sessions, by their absolute expiry.
 */
const PRELUDE = `
local base, args = KEYS[1], cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local DAY = 86400000

local function sessionKey(id) return base .. ':session:' .. id end
local function subjectKey(subject) return base .. ':subject:' .. subject end

local function load(id)
  local fields, session = redis.call('HGETALL', sessionKey(id)), { id = id }
  if #fields == 0 then return nil end
  for i = 1, #fields, 2 do session[fields[i]] = fields[i + 1] end
  return session
end

local function number(session, field) return tonumber(session[field] or 0) end
local function isExpired(session) return now >= number(session, 'idleExpiresAt') or now >= number(session, 'absoluteExpiresAt') end
local function isLive(session) return session ~= nil and not session.revokedAt and not isExpired(session) end

-- Without args.checksKey any key will do. Without args.provenKey there was no proof.
local function hasRightKey(session)
  return not args.checksKey or not session.boundKey or session.boundKey == args.provenKey
end

local function save(id, changes)
  local flat = {}
  for field, value in pairs(changes) do
    flat[#flat + 1] = field
    flat[#flat + 1] = type(value) == 'number' and string.format('%.0f', value) or value
  end
  if #flat > 0 then redis.call('HSET', sessionKey(id), unpack(flat)) end
end

-- Scores are negative, so that those used last come first, and those of one instant in the order of their ids.
local function index(session, lastUsedAt) redis.call('ZADD', subjectKey(session.subject), -lastUsedAt, session.id) end

local function finish(session, reason)
  save(session.id, { revokedAt = now, revokeReason = reason })
  redis.call('ZREM', subjectKey(session.subject), session.id)
  redis.call('ZADD', base .. ':revoked', now, session.id)
end

local function snapshot(id) return { string.format('%.0f', now), redis.call('HGETALL', sessionKey(id)) } end
`;

/** A Lua script that Redis keeps, and that is sent again if Redis does not know it. */
export class RedisScript {
  private readonly source: string;
  private readonly sha: string;

  /** @param body the script after the common beginning. */
  constructor(body: string) {
    this.source = PRELUDE + body;
    this.sha = createHash('sha1').update(this.source).digest('hex');
  }

  /** @param base the beginning of all keys of one instance. */
  async run(redis: Redis, base: string, args: object): Promise<unknown> {
    const json = JSON.stringify(args);
    try {
      return await redis.evalsha(this.sha, 1, base, json);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return redis.eval(this.source, 1, base, json);
    }
  }
}
