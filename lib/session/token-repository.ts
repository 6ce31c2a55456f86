import type {
  NewSession,
  RefreshTokenPosition,
  RevokeReason,
  SessionKey,
  SessionOwner,
  SessionPage,
  SessionSnapshot,
  TokenSession,
} from './token-session.js';

/** On which terms {@link TokenRepository.rotate} may advance a session. Spans are milliseconds. */
export interface RotationTerms {
  /** The session must not have been rotated within this span (2·G); null: it may have been (strict reuse detection). */
  readonly settleMs: number | null;
  /** New idle lifetime, counted from the rotation. */
  readonly idleMs: number;
  /** At most `max` rotations in a window of `perMs`; null: no limit. */
  readonly limit: { readonly max: number; readonly perMs: number } | null;
}

/** Where {@link TokenRepository.advance} puts a session. */
export interface SessionAdvance extends RefreshTokenPosition {
  /** Branch of the parent that may be recovered from now on, −1: none; null leaves it. */
  readonly parentBranch: number | null;
  /** Renews the idle lifetime (milliseconds) and `lastUsedAt`; null leaves both. */
  readonly idleMs: number | null;
  /** Whether a new grace period begins: `rotatedAt` becomes the present instant. `false` leaves `rotatedAt` as it is. */
  readonly restartsGrace: boolean;
}

/** A session that has been revoked, and when: also the place in the list that {@link TokenRepository.revokedSince} continues after. */
export interface RevokedSession {
  /** The session id. The empty text stands before every id of the same instant. */
  readonly id: string;
  /** Instant of the revocation, epoch milliseconds of the store's clock. */
  readonly revokedAt: number;
}

/** Where {@link TokenRepository.revokedSince} begins: so many milliseconds before the store's present instant, or after a session. */
export type RevokedFrom = { readonly withinMs: number } | RevokedSession;

/** One page of {@link TokenRepository.revokedSince}. */
export interface RevokedPage {
  /** In the order of `revokedAt` and then `id`. */
  readonly sessions: readonly RevokedSession[];
  /** The store's instant of reading, epoch milliseconds. May be null when the page is empty. */
  readonly at: number | null;
}

/** How long a store is waited for, milliseconds. */
export interface StorePatience {
  /** For an answer, the wait for a connection included; then the connection is given up. */
  readonly timeoutMs: number;
  /** For a lock, on the server. */
  readonly lockTimeoutMs: number;
}

/**
 * The statement met another one and lost: a deadlock or a serialization failure (40001, 1020, SQLITE_BUSY).
 * Nothing was changed; the same call may be made again.
 */
export class StoreConflict extends Error {
  override readonly name = 'StoreConflict';
  constructor(options?: ErrorOptions) {
    super('the statement conflicted with another one', options);
  }
}

/**
 * Port: where sessions are kept. Every verb is atomic by itself, reads and writes the primary, never runs in a transaction of the
 * application, and dates everything by the store's own clock. A class that passes the contract suite of `nestjs-token/testing`
 * can be given as the `repository` of a module.
 *
 * Every verb rejects with {@link StoreConflict} when it may be repeated at once, and with any other error when the store cannot answer.
 */
export abstract class TokenRepository {
  /**
   * Called once before the application listens.
   * @throws {TokenOptionsError} naming what the store lacks (entity, table, column, index) and how to fix it.
   */
  abstract check(): Promise<void>;

  /** Stores a new session at generation 0, branch 0, without a recoverable parent. Never overwrites: a second insert of an id rejects. */
  abstract insert(session: NewSession): Promise<SessionSnapshot>;

  /**
   * Advances a session from `position` to the next generation (branch 0, parent `position.branch`), renews its idle lifetime and counts
   * the rotation, in one conditional statement: only if generation = `position.generation`, branch ≥ `position.branch`, not revoked,
   * not expired, settled and within the limit.
   * @returns the session as it is now, or null, having changed nothing, when a condition failed.
   */
  abstract rotate(key: SessionKey, position: RefreshTokenPosition, terms: RotationTerms): Promise<SessionSnapshot | null>;

  /**
   * Puts a session that stands at exactly `from` and is not revoked to `to`: recovery, healing, confirmation. Sets `rotatedAt` where
   * `to.restartsGrace` says so.
   * @returns the session as it is now, or null, having changed nothing.
   */
  abstract advance(key: SessionKey, from: RefreshTokenPosition, to: SessionAdvance): Promise<SessionSnapshot | null>;

  /** Reads a session from the primary, or null. */
  abstract find(key: SessionKey): Promise<SessionSnapshot | null>;

  /**
   * One page of the sessions of a subject that are neither revoked nor expired, last used first; those last used at the same instant in the
   * order of their ids, as the store sorts them. Never reads more than the page into memory.
   */
  abstract list(owner: SessionOwner, page: SessionPage): Promise<readonly TokenSession[]>;

  /**
   * Ends a session; with `only`, on condition that it stands at exactly that position. Idempotent: the first reason and instant stay.
   * @returns whether this call ended it.
   */
  abstract revoke(key: SessionKey, reason: RevokeReason, only?: RefreshTokenPosition): Promise<boolean>;

  /**
   * Ends all sessions of a subject, except the one with the id `except`, however many: in steps, so that no statement locks more rows than
   * a thousand or so. When it rejects, some may have been ended.
   * @returns the ids of the sessions that this call ended. A store that is told only how many may add those that a simultaneous call ended.
   */
  abstract revokeAll(owner: SessionOwner, reason: RevokeReason, except?: string): Promise<readonly string[]>;

  /**
   * Reads which sessions of a realm have been revoked, whether they have expired since or not: at most `limit` of them, the earliest
   * first, in the order of `revokedAt` and then `id`. The next page begins after the last session of this one. A page that is not full
   * is the last.
   */
  abstract revokedSince(realm: string, from: RevokedFrom, limit: number): Promise<RevokedPage>;

  /**
   * Deletes at most `max` sessions of a realm whose absolute lifetime is over. Until then a row is the evidence for reuse detection.
   * @returns how many were deleted.
   */
  abstract purge(realm: string, max: number): Promise<number>;
}
