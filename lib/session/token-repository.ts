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

/** What a presentation has proved about the key of a bound session: a condition on {@link TokenSession.boundKey}. */
export interface KeyCondition {
  /**
   * The key that the proof was made with: the session must be bound to exactly this key, or to none. `null`: there was no proof, so the session
   * must not be bound. Left out: the session may be bound to any key or to none.
   */
  readonly provenKey?: string | null | undefined;
}

/** On which conditions {@link TokenRepository.rotate} advances a session. Spans are milliseconds. */
export interface RotationConditions extends KeyCondition {
  /** The session must not have been rotated within this span (2·G); null: it may have been (strict reuse detection). */
  readonly settleMs: number | null;
  /** New idle lifetime, counted from the rotation, unless the session has one of its own. */
  readonly idleMs: number;
  /** At most `max` rotations in a window of `perMs`; null: no limit. */
  readonly limit: { readonly max: number; readonly perMs: number } | null;
}

/** Where {@link TokenRepository.advance} puts a session. */
export interface SessionAdvance extends RefreshTokenPosition, KeyCondition {
  /** Branch of the parent that may be recovered from now on, −1: none; null leaves it. */
  readonly parentBranch: number | null;
  /** Renews `lastUsedAt` and the idle lifetime (milliseconds, unless the session has one of its own); null leaves both. */
  readonly idleMs: number | null;
  /** Whether a new grace period begins: `rotatedAt` becomes the present instant. `false` leaves `rotatedAt` as it is. */
  readonly restartsGrace: boolean;
}

/** How many live sessions a subject may have. */
export interface SessionLimit {
  /** This many, the new one included: at least 1. `null`: any number. */
  readonly keep: number | null;
  /**
   * Which sessions are ended beyond that, with the reason `limit`. `oldest`: those behind the first `keep` of {@link TokenRepository.list}, which
   * is sorted by the last use and then by the id. `newest`: those that were signed in last (then by the id), so that a new session is
   * ended at once and its own id is among those returned. @defaultValue 'oldest'
   */
  readonly ends?: 'oldest' | 'newest' | undefined;
}

/** What {@link TokenRepository.insert} gives back. */
export interface InsertedSession extends SessionSnapshot {
  /** Ids of the sessions that this call ended because of the limit. A store that is told only how many may add those that a simultaneous call ended. */
  readonly ended: readonly string[];
}

/** What {@link TokenRepository.update} changes: only what is given. Everything is already cleaned and checked. */
export interface SessionPatch {
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** The user has authenticated again: `authTime` becomes the store's present instant. */
  readonly authTime?: 'now' | undefined;
  /** `null` takes the name away. */
  readonly label?: string | null | undefined;
  readonly ip?: string | null | undefined;
  readonly userAgent?: string | null | undefined;
  /**
   * The session was last used so many milliseconds ago, 0 or more. The store computes `lastUsedAt` by its own clock, and never moves it back.
   * The idle lifetime stays as it is: only a rotation renews it.
   */
  readonly usedAgoMs?: number | undefined;
}

/** On which conditions {@link TokenRepository.revoke} ends a session. */
export interface RevokeCondition {
  /** The session must belong to this subject. */
  readonly subject?: string | undefined;
  /** The session must stand at exactly this position. */
  readonly only?: RefreshTokenPosition | undefined;
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

  /**
   * Stores a new session at generation 0, branch 0, without a recoverable parent. Never overwrites: a second insert of an id rejects.
   *
   * With a limit it also ends the live sessions of the subject that are too many, judged after the session is stored. However many calls there
   * are at once, exactly `keep` sessions live when all of them have returned, if there are that many. A session that is used or revoked in
   * the same instant may make it fewer. A session whose last use lies more than a minute in the future (the store's clock has been set
   * back) counts as the oldest. When the call rejects, the session may have been stored and others may have been ended.
   */
  abstract insert(session: NewSession, limit?: SessionLimit): Promise<InsertedSession>;

  /**
   * Advances a session from `position` to the next generation (branch 0, parent `position.branch`), renews its idle lifetime and counts
   * the rotation, in one conditional statement: only if generation = `position.generation`, branch ≥ `position.branch`, not revoked,
   * not expired, settled, within the limit and with the right key.
   * @returns the session as it is now, or null, having changed nothing, when a condition failed.
   */
  abstract rotate(key: SessionKey, position: RefreshTokenPosition, terms: RotationConditions): Promise<SessionSnapshot | null>;

  /**
   * Puts a session that stands at exactly `from`, is not revoked and has the right key to `to`: recovery, healing, confirmation. Sets
   * `rotatedAt` where `to.restartsGrace` says so.
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
   * Changes what is given of a session that is neither revoked nor expired, and nothing else: not its position, its key or its lifetimes.
   * @returns whether there is such a session, also where the patch is empty.
   */
  abstract update(key: SessionKey, patch: SessionPatch): Promise<boolean>;

  /**
   * Binds a session that is neither revoked nor expired and has no key to this one. Never replaces a key, not even by the same one.
   * @returns whether this call bound it.
   */
  abstract bind(key: SessionKey, boundKey: string): Promise<boolean>;

  /**
   * Ends a session, if the condition holds. Idempotent: the first reason and instant stay.
   * @returns whether this call ended it.
   */
  abstract revoke(key: SessionKey, reason: RevokeReason, condition?: RevokeCondition): Promise<boolean>;

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
