import { Injectable } from '@nestjs/common';
import { Clock, SystemClock } from '../clock.js';
import type {
  InsertedSession,
  RevokeCondition,
  RevokedFrom,
  RevokedPage,
  RotationConditions,
  SessionAdvance,
  SessionLimit,
  SessionPatch,
} from '../session/token-repository.js';
import { TokenRepository } from '../session/token-repository.js';
import type {
  NewSession,
  RefreshTokenPosition,
  RevokeReason,
  SessionKey,
  SessionOwner,
  SessionPage,
  SessionSnapshot,
  TokenSession,
} from '../session/token-session.js';
import {
  beyondLimit,
  copyOf,
  hasExpired,
  hasRightKey,
  isAt,
  lastUsedFirst,
  mayRotate,
  newRow,
  patched,
  revocationOf,
  revokedFirst,
  rotated,
  standsAt,
} from './in-memory-session.js';

/**
 * A {@link TokenRepository} that keeps sessions in the memory of this process, for tests: give it as the `repository` of a
 * module, and Nest injects the module's {@link Clock}. It passes the contract suite, but knows neither a second process nor
 * a restart, and looks through all sessions to list those of one subject.
 *
 * No verb awaits between what it reads and what it writes, which makes each atomic.
 */
@Injectable()
export class InMemoryTokenRepository extends TokenRepository {
  private readonly sessions = new Map<string, TokenSession>();

  /** @param clock the clock of this store, which dates everything in it. Default: the node's. */
  constructor(private readonly clock: Clock = new SystemClock()) {
    super();
  }

  /** Has nothing to check. */
  override async check(): Promise<void> {}

  override async insert(session: NewSession, { keep, ends = 'oldest' }: SessionLimit = { keep: null }): Promise<InsertedSession> {
    if (this.sessions.has(session.id)) throw new Error('a session with this id exists');
    const now = this.clock.now();
    const inserted = this.put(newRow(session, now), now);
    const beyond = keep === null ? [] : beyondLimit(this.live(session, now), { keep, ends, now });
    for (const one of beyond) this.end(one, 'limit');
    return { ...inserted, ended: beyond.map(({ id }) => id) };
  }

  override async rotate(key: SessionKey, position: RefreshTokenPosition, terms: RotationConditions): Promise<SessionSnapshot | null> {
    const now = this.clock.now();
    const session = this.row(key);
    if (!session || !isAt(session, position) || !mayRotate(session, terms, now)) return null;
    return this.put({ ...session, ...rotated(session, terms, now), parentBranch: position.branch }, now);
  }

  override async advance(key: SessionKey, from: RefreshTokenPosition, to: SessionAdvance): Promise<SessionSnapshot | null> {
    const now = this.clock.now();
    const session = this.row(key);
    if (!session || session.revokedAt !== null || !standsAt(session, from) || !hasRightKey(session, to)) return null;
    const { generation, branch } = to;
    const parentBranch = to.parentBranch ?? session.parentBranch;
    const renewed = to.idleMs === null ? {} : { lastUsedAt: now, idleExpiresAt: now + (session.ownIdleMs ?? to.idleMs) };
    const rotatedAt = to.restartsGrace ? now : session.rotatedAt;
    return this.put({ ...session, generation, branch, parentBranch, rotatedAt, ...renewed }, now);
  }

  override async find(key: SessionKey): Promise<SessionSnapshot | null> {
    const session = this.row(key);
    return session ? { session: copyOf(session), at: this.clock.now() } : null;
  }

  override async list(owner: SessionOwner, { limit, after }: SessionPage): Promise<readonly TokenSession[]> {
    const now = this.clock.now();
    return this.live(owner, now)
      .filter((session) => !after || lastUsedFirst(after, session) < 0)
      .sort(lastUsedFirst)
      .slice(0, limit)
      .map(copyOf);
  }

  override async update(key: SessionKey, patch: SessionPatch): Promise<boolean> {
    const now = this.clock.now();
    const session = this.liveRow(key, now);
    if (session) this.put(patched(session, patch, now), now);
    return session !== undefined;
  }

  override async bind(key: SessionKey, boundKey: string): Promise<boolean> {
    const now = this.clock.now();
    const session = this.liveRow(key, now);
    if (!session || session.boundKey !== null) return false;
    this.put({ ...session, boundKey }, now);
    return true;
  }

  override async revoke(key: SessionKey, reason: RevokeReason, { subject, only }: RevokeCondition = {}): Promise<boolean> {
    const session = this.row(key);
    if (!session || session.revokedAt !== null || (only && !standsAt(session, only))) return false;
    if (subject !== undefined && session.subject !== subject) return false;
    this.end(session, reason);
    return true;
  }

  override async revokeAll(owner: SessionOwner, reason: RevokeReason, except?: string): Promise<readonly string[]> {
    const ended = this.owned(owner).filter((session) => session.revokedAt === null && session.id !== except);
    for (const session of ended) this.end(session, reason);
    return ended.map((session) => session.id);
  }

  override async revokedSince(realm: string, from: RevokedFrom, limit: number): Promise<RevokedPage> {
    const at = this.clock.now();
    const place = 'withinMs' in from ? { id: '', revokedAt: at - from.withinMs } : from;
    const revoked = [...this.sessions.values()].filter((session) => session.realm === realm).flatMap(revocationOf);
    const sessions = revoked.filter((session) => revokedFirst(place, session) < 0).sort(revokedFirst);
    return { sessions: sessions.slice(0, limit), at };
  }

  override async purge(realm: string, max: number): Promise<number> {
    const now = this.clock.now();
    const over = [...this.sessions.values()].filter((session) => session.realm === realm && session.absoluteExpiresAt <= now).slice(0, max);
    for (const session of over) this.sessions.delete(session.id);
    return over.length;
  }

  private row(key: SessionKey): TokenSession | undefined {
    const session = this.sessions.get(key.id);
    return session?.realm === key.realm ? session : undefined;
  }

  private liveRow(key: SessionKey, now: number): TokenSession | undefined {
    const session = this.row(key);
    return session && session.revokedAt === null && !hasExpired(session, now) ? session : undefined;
  }

  private live(owner: SessionOwner, now: number): TokenSession[] {
    return this.owned(owner).filter((session) => session.revokedAt === null && !hasExpired(session, now));
  }

  private owned(owner: SessionOwner): TokenSession[] {
    return [...this.sessions.values()].filter((session) => session.realm === owner.realm && session.subject === owner.subject);
  }

  private put(session: TokenSession, at: number): SessionSnapshot {
    this.sessions.set(session.id, session);
    return { session: copyOf(session), at };
  }

  private end(session: TokenSession, revokeReason: RevokeReason): void {
    this.sessions.set(session.id, { ...session, revokedAt: this.clock.now(), revokeReason });
  }
}
