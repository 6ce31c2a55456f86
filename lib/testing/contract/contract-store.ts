import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { StoreConflict, type RotationConditions, type TokenRepository } from '../../session/token-repository.js';
import type {
  NewSession,
  RefreshTokenPosition,
  SessionKey,
  SessionOwner,
  SessionSnapshot,
  TokenSession,
} from '../../session/token-session.js';
import type { OpenedStore } from './opened-store.js';

/** One case of the contract, before it is given a store. */
export interface ContractCase {
  readonly title: string;
  run(store: ContractStore): Promise<void>;
}

/** A span whose last millisecond and end are looked at. */
export interface Boundary<T> {
  /** Prepares what the span, counted from now, applies to. */
  arrange(spanMs: number): Promise<T>;
  /** Looks at it while the span lasts: one millisecond before its end, where the clock can be moved. */
  before(given: T, spanMs: number): Promise<void>;
  /** Looks at another one when the span is over: at its very end, where the clock can be moved. */
  after(given: T, spanMs: number): Promise<void>;
}

export const SECOND = 1_000;
export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** Terms that refuse nothing: neither a settling time nor a limit. */
export const FREE: RotationConditions = { settleMs: null, idleMs: DAY, limit: null };

/** Where a session stands after its sign-in. */
export const FIRST: RefreshTokenPosition = { generation: 0, branch: 0 };

const SPAN = 60 * SECOND;
/** Real milliseconds: enough that a span of one is over. */
const SHORT_WAIT = 25;
const ATTEMPTS = 50;

/** The store under test, in a realm of its own: what one case leaves in a shared database is invisible to every other. */
export class ContractStore {
  readonly realm = `contract-${randomUUID().slice(0, 8)}`;
  readonly otherRealm = `${this.realm}-x`;

  constructor(private readonly opened: OpenedStore) {}

  get repository(): TokenRepository {
    return this.opened.repository;
  }

  /** The instants of the store are exact: nothing but {@link elapse} moves its clock. */
  get standsStill(): boolean {
    return this.opened.advance !== undefined;
  }

  key(id: string, realm: string = this.realm): SessionKey {
    return { realm, id };
  }

  owner(subject: string, realm: string = this.realm): SessionOwner {
    return { realm, subject };
  }

  /** A sign-in as `RefreshService` would make it: an hour idle, a day in all. */
  newSession(given: Partial<NewSession> = {}): NewSession {
    return { realm: this.realm, id: newId(), subject: 'alice', idleMs: HOUR, absoluteMs: DAY, claims: {}, device: {}, ...given };
  }

  async signIn(given: Partial<NewSession> = {}): Promise<SessionSnapshot> {
    return this.again(() => this.repository.insert(this.newSession(given)));
  }

  /** A session that has been put to a position, with the given recoverable parent. */
  async sessionAt(position: RefreshTokenPosition, parentBranch = -1): Promise<SessionSnapshot> {
    const { session } = await this.signIn();
    return this.advanced(session, FIRST, { ...position, parentBranch, idleMs: null, restartsGrace: true });
  }

  async rotate(key: SessionKey, position: RefreshTokenPosition, terms: Partial<RotationConditions> = {}): Promise<SessionSnapshot | null> {
    return this.again(() => this.repository.rotate(keyOf(key), positionOf(position), { ...FREE, ...terms }));
  }

  /** Rotates, and insists that it did. */
  async rotated(key: SessionKey, position: RefreshTokenPosition, terms: Partial<RotationConditions> = {}): Promise<SessionSnapshot> {
    return present(await this.rotate(key, position, terms), 'rotate returns null');
  }

  /** Advances, and insists that it did. */
  async advanced(key: SessionKey, from: RefreshTokenPosition, to: Parameters<TokenRepository['advance']>[2]): Promise<SessionSnapshot> {
    return present(await this.again(() => this.repository.advance(keyOf(key), positionOf(from), to)), 'advance returns null');
  }

  /** The session as the store has it now. */
  async stored(key: SessionKey): Promise<TokenSession> {
    return present(await this.again(() => this.repository.find(keyOf(key))), 'find returns null').session;
  }

  /** Insists that what `act` does to a session changes nothing of it. */
  async unchanged(key: SessionKey, act: () => Promise<unknown>): Promise<void> {
    const before = await this.stored(key);
    await act();
    assertSame(await this.stored(key), before);
  }

  /** Lets the store's clock go on: exactly, where it can be moved; else by a short real wait. */
  async elapse(milliseconds: number): Promise<void> {
    if (this.opened.advance) this.opened.advance(milliseconds);
    else await wait(SHORT_WAIT);
  }

  /** Looks at both sides of the end of a span. Where the clock cannot be moved, a span of a day has not ended and one of 1 ms has. */
  async atBoundary<T>({ arrange, before, after }: Boundary<T>): Promise<void> {
    const early = this.standsStill ? SPAN : DAY;
    const late = this.standsStill ? SPAN : 1;
    const [first, second] = [await arrange(early), await arrange(late)];
    await this.elapse(SPAN - 1);
    await before(first, early);
    await this.elapse(1);
    await after(second, late);
  }

  /** Opens a session that is revoked, one that is over because nobody used it, and one that is over whatever happened. */
  async endedSessions(): Promise<readonly SessionSnapshot[]> {
    const revoked = await this.signIn();
    const expired = [await this.signIn({ idleMs: 1, absoluteMs: DAY }), await this.signIn({ idleMs: DAY, absoluteMs: 1 })];
    await this.repository.revoke(revoked.session, 'admin');
    await this.elapse(2);
    return [revoked, ...expired];
  }

  /** Makes a call again as long as the store says that it may be. */
  async again<T>(call: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof StoreConflict) || attempt === ATTEMPTS) throw error;
        await wait(attempt);
      }
    }
  }
}

/** A session id as the refresh-token codec makes it: a UUID of version 8. */
export function newId(): string {
  return randomUUID().replace(/^(.{14})4/, '$18');
}

/** `count` calls made at once. */
export function simultaneously<T>(count: number, call: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => call(index)));
}

/** Compares as JSON with sorted keys: `1` and `'1'` differ, prototypes (another realm's, a driver's) do not matter. */
export function assertSame(actual: unknown, expected: unknown, message?: string): void {
  assert.equal(canonical(actual), canonical(expected), message);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => (isRecord(member) ? Object.fromEntries(Object.entries(member).sort()) : member), 1);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function present<T>(value: T | null, message: string): T {
  assert.ok(value !== null, message);
  return value;
}

function keyOf({ realm, id }: SessionKey): SessionKey {
  return { realm, id };
}

function positionOf({ generation, branch }: RefreshTokenPosition): RefreshTokenPosition {
  return { generation, branch };
}
