import { Inject, Injectable } from '@nestjs/common';
import { Redis } from 'ioredis';
import type {
  InsertedSession,
  KeyCondition,
  NewSession,
  RefreshTokenPosition,
  RevokeCondition,
  RevokedFrom,
  RevokedPage,
  RevokeReason,
  RotationConditions,
  SessionAdvance,
  SessionKey,
  SessionLimit,
  SessionOwner,
  SessionPage,
  SessionPatch,
  SessionSnapshot,
  TokenSession,
} from 'nestjs-token';
import { TokenRepository } from 'nestjs-token';
import { LIST, PURGE, REVOKE_ALL, REVOKED_SINCE } from './list-scripts.js';
import { checkRedis } from './redis-check.js';
import { ADVANCE, BIND, FIND, INSERT, REVOKE, ROTATE, UPDATE } from './session-scripts.js';
import type { Fields } from './session-hash.js';
import { newFields, sessionOf, snapshotOf } from './session-hash.js';

/** Keeps sessions in Redis. Each method is one Lua script, so it is atomic, and it dates everything by the clock of Redis. */
@Injectable()
export class RedisTokenRepository extends TokenRepository {
  /** @param prefix what all keys begin with. */
  constructor(
    private readonly redis: Redis,
    @Inject('REDIS_PREFIX') private readonly prefix: string,
  ) {
    super();
  }

  override async check(): Promise<void> {
    await checkRedis(this.redis);
  }

  override async insert(session: NewSession, limit: SessionLimit = { keep: null }): Promise<InsertedSession> {
    const { id, absoluteMs, authTime } = session;
    const idleMs = session.ownIdleMs ?? session.idleMs;
    const { keep, ends } = limit;
    const args = { id, idleMs, absoluteMs, authTime, fields: newFields(session), keep: keep ?? undefined, ends };
    const reply = (await INSERT.run(this.redis, this.base(session.realm), args)) as [string, Fields, string[]];
    return { session: sessionOf(reply[1], session), at: Number(reply[0]), ended: reply[2] };
  }

  override async rotate(key: SessionKey, position: RefreshTokenPosition, terms: RotationConditions): Promise<SessionSnapshot | null> {
    const { settleMs, idleMs, limit } = terms;
    const conditions = { ...withoutNulls({ settleMs, limit }), ...keyArguments(terms) };
    return snapshotOf(await ROTATE.run(this.redis, this.base(key.realm), { id: key.id, ...position, idleMs, ...conditions }), key);
  }

  override async advance(key: SessionKey, from: RefreshTokenPosition, to: SessionAdvance): Promise<SessionSnapshot | null> {
    const { generation, branch, parentBranch, idleMs, restartsGrace } = to;
    const changes = { generation, branch, restartsGrace, ...withoutNulls({ parentBranch, idleMs }), ...keyArguments(to) };
    return snapshotOf(await ADVANCE.run(this.redis, this.base(key.realm), { id: key.id, from, ...changes }), key);
  }

  override async find(key: SessionKey): Promise<SessionSnapshot | null> {
    return snapshotOf(await FIND.run(this.redis, this.base(key.realm), { id: key.id }), key);
  }

  override async list({ realm, subject }: SessionOwner, { limit, after }: SessionPage): Promise<readonly TokenSession[]> {
    const found = (await LIST.run(this.redis, this.base(realm), { subject, limit, after })) as [string, Fields][];
    return found.map(([id, fields]) => sessionOf(fields, { realm, id }));
  }

  override async update({ realm, id }: SessionKey, patch: SessionPatch): Promise<boolean> {
    const { claims, authTime, accessRevokedAt, usedAgoMs, label, ip, userAgent } = patch;
    const texts = Object.entries({ label, ip, userAgent, claims: claims && JSON.stringify(claims) });
    const set = Object.fromEntries(texts.filter(([, text]) => typeof text === 'string'));
    const remove = texts.filter(([, text]) => text === null).map(([name]) => name);
    const used = usedAgoMs === undefined ? undefined : Math.max(0, Math.round(usedAgoMs));
    const args = { id, set, remove, authTime, accessRevokedAt, usedAgoMs: used };
    return (await UPDATE.run(this.redis, this.base(realm), args)) === 1;
  }

  override async bind({ realm, id }: SessionKey, boundKey: string): Promise<boolean> {
    return (await BIND.run(this.redis, this.base(realm), { id, boundKey })) === 1;
  }

  override async revoke({ realm, id }: SessionKey, reason: RevokeReason, { subject, only }: RevokeCondition = {}): Promise<boolean> {
    return (await REVOKE.run(this.redis, this.base(realm), { id, reason, subject, only })) === 1;
  }

  override async revokeAll({ realm, subject }: SessionOwner, reason: RevokeReason, except?: string): Promise<readonly string[]> {
    const ended: string[] = [];
    for (let step = 1; step > 0;) {
      const ids = (await REVOKE_ALL.run(this.redis, this.base(realm), { subject, reason, except })) as string[];
      ended.push(...ids);
      step = ids.length;
    }
    return ended;
  }

  override async revokedSince(realm: string, from: RevokedFrom, limit: number): Promise<RevokedPage> {
    const reply = (await REVOKED_SINCE.run(this.redis, this.base(realm), { ...from, limit })) as [string, [string, string, number][]];
    const sessions = reply[1].map(([id, revokedAt, hasEnded]) => ({
      id,
      revokedAt: Number(revokedAt),
      ...(hasEnded === 0 && { accessOnly: true as const }),
    }));
    return { sessions, at: Number(reply[0]) };
  }

  override async purge(realm: string, max: number): Promise<number> {
    return (await PURGE.run(this.redis, this.base(realm), { max })) as number;
  }

  /** The braces put all keys of an instance into one slot of a cluster. */
  private base(realm: string): string {
    return `${this.prefix}:{${realm}}`;
  }
}

/** In Lua, a member of JSON that is null is not nil. */
function withoutNulls(members: object): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null));
}

function keyArguments({ provenKey }: KeyCondition): object {
  return provenKey === undefined ? {} : { checksKey: true, ...withoutNulls({ provenKey }) };
}
