import { Injectable } from '@nestjs/common';
import { Clock, SystemClock } from '../clock.js';
import type { RevokedFrom, RevokedPage, RevokedSession, RotationTerms, SessionAdvance } from '../session/token-repository.js';
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

  override async insert(session: NewSession): Promise<SessionSnapshot> {
    if (this.sessions.has(session.id)) throw new Error('a session with this id exists');
    const now = this.clock.now();
    return this.put(newRow(session, now), now);
  }

  override async rotate(key: SessionKey, position: RefreshTokenPosition, terms: RotationTerms): Promise<SessionSnapshot | null> {
    const now = this.clock.now();
    const session = this.row(key);
    if (!session || !isAt(session, position) || !mayRotate(session, terms, now)) return null;
    return this.put({ ...session, ...rotated(session, terms, now), parentBranch: position.branch }, now);
  }

  override async advance(key: SessionKey, from: RefreshTokenPosition, to: SessionAdvance): Promise<SessionSnapshot | null> {
    const now = this.clock.now();
    const session = this.row(key);
    if (!session || session.revokedAt !== null || !standsAt(session, from)) return null;
    const { generation, branch } = to;
    const parentBranch = to.parentBranch ?? session.parentBranch;
    const renewed = to.idleMs === null ? {} : { lastUsedAt: now, idleExpiresAt: now + to.idleMs };
    const rotatedAt = to.restartsGrace ? now : session.rotatedAt;
    return this.put({ ...session, generation, branch, parentBranch, rotatedAt, ...renewed }, now);
  }

  override async find(key: SessionKey): Promise<SessionSnapshot | null> {
    const session = this.row(key);
    return session ? snapshot(session, this.clock.now()) : null;
  }

  override async list(owner: SessionOwner, { limit, after }: SessionPage): Promise<readonly TokenSession[]> {
    const now = this.clock.now();
    return this.owned(owner)
      .filter((session) => session.revokedAt === null && !hasExpired(session, now) && (!after || lastUsedFirst(after, session) < 0))
      .sort(lastUsedFirst)
      .slice(0, limit)
      .map(copyOf);
  }

  override async revoke(key: SessionKey, reason: RevokeReason, only?: RefreshTokenPosition): Promise<boolean> {
    const session = this.row(key);
    if (!session || session.revokedAt !== null || (only && !standsAt(session, only))) return false;
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
    const revoked = [...this.sessions.values()].flatMap(({ id, realm: owner, revokedAt }) =>
      owner === realm && revokedAt !== null ? [{ id, revokedAt }] : [],
    );
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

  private owned(owner: SessionOwner): TokenSession[] {
    return [...this.sessions.values()].filter((session) => session.realm === owner.realm && session.subject === owner.subject);
  }

  private put(session: TokenSession, at: number): SessionSnapshot {
    this.sessions.set(session.id, session);
    return snapshot(session, at);
  }

  private end(session: TokenSession, revokeReason: RevokeReason): void {
    this.sessions.set(session.id, { ...session, revokedAt: this.clock.now(), revokeReason });
  }
}

/** Last used first, then by id. */
function lastUsedFirst(a: NonNullable<SessionPage['after']>, b: NonNullable<SessionPage['after']>): number {
  return b.lastUsedAt - a.lastUsedAt || byText(a.id, b.id);
}

/** Revoked first, then by id. */
function revokedFirst(a: RevokedSession, b: RevokedSession): number {
  return a.revokedAt - b.revokedAt || byText(a.id, b.id);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function snapshot(session: TokenSession, at: number): SessionSnapshot {
  return { session: copyOf(session), at };
}

/** What the caller does to a copy changes nothing here. */
function copyOf(session: TokenSession): TokenSession {
  return { ...session, claims: throughJson(session.claims), data: session.data && throughJson(session.data) };
}

function newRow(session: NewSession, now: number): TokenSession {
  const { id, realm, subject, idleMs, absoluteMs, claims, device, data } = session;
  return {
    id,
    realm,
    subject,
    generation: 0,
    branch: 0,
    parentBranch: -1,
    rotatedAt: 0,
    createdAt: now,
    lastUsedAt: now,
    idleExpiresAt: now + idleMs,
    absoluteExpiresAt: now + absoluteMs,
    revokedAt: null,
    revokeReason: null,
    windowCount: 0,
    windowStartedAt: 0,
    authTime: now,
    claims: throughJson(claims),
    ip: device.ip ?? null,
    userAgent: device.userAgent ?? null,
    label: device.label ?? null,
    data: data === undefined ? null : throughJson(data),
  };
}

/** What a database with a JSON column gives back. */
function throughJson(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(object)) as Record<string, unknown>;
}

/** Whether a position is one of the current generation that has been handed out. */
function isAt(session: TokenSession, position: RefreshTokenPosition): boolean {
  return session.generation === position.generation && session.branch >= position.branch;
}

function mayRotate(session: TokenSession, terms: RotationTerms, now: number): boolean {
  return (
    session.revokedAt === null &&
    !hasExpired(session, now) &&
    (terms.settleMs === null || session.rotatedAt <= now - terms.settleMs) &&
    (terms.limit === null || session.windowCount < terms.limit.max || windowIsOver(session, terms.limit, now))
  );
}

function rotated(session: TokenSession, terms: RotationTerms, now: number): Partial<TokenSession> {
  return {
    generation: session.generation + 1,
    branch: 0,
    rotatedAt: now,
    lastUsedAt: now,
    idleExpiresAt: now + terms.idleMs,
    ...(terms.limit && counted(session, terms.limit, now)),
  };
}

type RotationLimit = NonNullable<RotationTerms['limit']>;

function counted(session: TokenSession, limit: RotationLimit, now: number): Partial<TokenSession> {
  return windowIsOver(session, limit, now) ? { windowCount: 1, windowStartedAt: now } : { windowCount: session.windowCount + 1 };
}

function windowIsOver(session: TokenSession, limit: RotationLimit, now: number): boolean {
  return now >= session.windowStartedAt + limit.perMs;
}

function standsAt(session: TokenSession, position: RefreshTokenPosition): boolean {
  return session.generation === position.generation && session.branch === position.branch;
}

function hasExpired(session: TokenSession, now: number): boolean {
  return now >= session.idleExpiresAt || now >= session.absoluteExpiresAt;
}
