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

/** What a presentation has proved about the key of a bound session. It is a condition on {@link TokenSession.boundKey}. */
export interface KeyCondition {
  /**
   * The key that the proof was made with. The session must be bound to exactly this key, or to none. `null` means that there was no proof,
   * so the session must not be bound. If it is left out, the session may be bound to any key or to none.
   */
  readonly provenKey?: string | null | undefined;
}

/** The conditions on which {@link TokenRepository.rotate} advances a session. Spans are milliseconds. */
export interface RotationConditions extends KeyCondition {
  /** The session must not have been rotated within this span (2·G). Null means that it may have been (strict reuse detection). */
  readonly settleMs: number | null;
  /** New idle lifetime, counted from the rotation. A session with an idle lifetime of its own keeps that one. */
  readonly idleMs: number;
  /** There must be fewer than `max` rotations in a window of `perMs`. Null means that there is no limit. */
  readonly limit: { readonly max: number; readonly perMs: number } | null;
}

/** The position to which {@link TokenRepository.advance} moves a session. */
export interface SessionAdvance extends RefreshTokenPosition, KeyCondition {
  /** Branch of the parent that may be recovered from now on. −1 means none. Null leaves it as it is. */
  readonly parentBranch: number | null;
  /** Renews `lastUsedAt` and the idle lifetime (in milliseconds, unless the session has one of its own). Null leaves both as they are. */
  readonly idleMs: number | null;
  /** Whether a new grace period begins: `rotatedAt` becomes the present instant. `false` leaves `rotatedAt` as it is. */
  readonly restartsGrace: boolean;
}

/**
 * A last use that is more than this many milliseconds in the future shows that the store's clock has been set back. For the limit of
 * sessions, such a session counts as used first.
 * @internal
 */
export const CLOCK_TOLERANCE_MS = 60_000;

/** How many live sessions a subject may have. */
export interface SessionLimit {
  /** Maximum number of live sessions, including the new one. At least 1. `null` means any number. */
  readonly keep: number | null;
  /**
   * Which sessions are ended beyond that, with the reason `limit`. `oldest`: those behind the first `keep` of {@link TokenRepository.list},
   * which is sorted by the last use and then by the id. `newest`: those that were signed in last (then by the id), so that a new session is
   * ended at once and its own id is among those returned. @defaultValue 'oldest'
   */
  readonly ends?: 'oldest' | 'newest' | undefined;
}

/** What {@link TokenRepository.insert} returns. */
export interface InsertedSession extends SessionSnapshot {
  /**
   * Ids of the sessions that this call ended because of the limit. A store that learns only how many were ended may add those that a
   * simultaneous call ended.
   */
  readonly ended: readonly string[];
}

/** What {@link TokenRepository.update} changes. Only what is given is changed. Everything has already been cleaned and checked. */
export interface SessionPatch {
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** The user has authenticated again, so `authTime` becomes the store's present instant. */
  readonly authTime?: 'now' | undefined;
  /**
   * Revokes the access tokens of the session, which stays open. `accessRevokedAt` becomes the store's present instant, or one millisecond
   * more than it was, whichever is later.
   */
  readonly accessRevokedAt?: 'now' | undefined;
  /** The name of the device. `null` removes it. */
  readonly label?: string | null | undefined;
  readonly ip?: string | null | undefined;
  readonly userAgent?: string | null | undefined;
  /**
   * The session was last used this many milliseconds ago, 0 or more. The store computes `lastUsedAt` by its own clock, and never moves it
   * back. The idle lifetime stays as it is, because only a rotation renews it.
   */
  readonly usedAgoMs?: number | undefined;
}

/** The conditions on which {@link TokenRepository.revoke} ends a session. */
export interface RevokeCondition {
  /** The session must belong to this subject. */
  readonly subject?: string | undefined;
  /** The session must be at exactly this position. */
  readonly only?: RefreshTokenPosition | undefined;
}

/**
 * A session that has been revoked or whose access tokens have been revoked, and the instant of that. It is also the place in the list after
 * which {@link TokenRepository.revokedSince} continues.
 */
export interface RevokedSession {
  /** The session id. The empty text comes before every id of the same instant. */
  readonly id: string;
  /** Instant of the revocation, epoch milliseconds of the store's clock. */
  readonly revokedAt: number;
  /**
   * The session is open, and only its access tokens were revoked: `revokedAt` is its `accessRevokedAt`. Absent if the session has ended.
   */
  readonly accessOnly?: true;
}

/**
 * The place where {@link TokenRepository.revokedSince} begins: so many milliseconds before the store's present instant, or after a session.
 */
export type RevokedFrom = { readonly withinMs: number } | RevokedSession;

/** One page of {@link TokenRepository.revokedSince}. */
export interface RevokedPage {
  /** In the order of `revokedAt` and then `id`. */
  readonly sessions: readonly RevokedSession[];
  /** The store's instant of reading, epoch milliseconds. May be null if the page is empty. */
  readonly at: number | null;
}

/** How long a store is waited for, in milliseconds. */
export interface StorePatience {
  /** How long a response is waited for, including the wait for a connection. After that, the connection is given up. */
  readonly timeoutMs: number;
  /** How long the server waits for a lock. */
  readonly lockTimeoutMs: number;
}

/**
 * The statement met another one and lost, by a deadlock or a serialization failure (40001, 1020, SQLITE_BUSY). Nothing was changed, and the
 * same call may be made again.
 */
export class StoreConflict extends Error {
  override readonly name = 'StoreConflict';
  constructor(options?: ErrorOptions) {
    super('the statement conflicted with another one', options);
  }
}

/**
 * Port: where sessions are kept. Every method is atomic by itself, reads and writes the primary, never runs in a transaction of the
 * application, and dates everything by the store's own clock. A class that passes the contract suite of `nestjs-token/testing` can be given
 * as the `repository` of a module.
 *
 * Every method rejects with {@link StoreConflict} if it may be repeated at once, and with any other error if the store cannot respond.
 */
export abstract class TokenRepository {
  /**
   * Checks the store. Called once before the application listens.
   * @throws {TokenOptionsError} naming what the store lacks (entity, table, column, index) and how to fix it.
   */
  abstract check(): Promise<void>;

  /**
   * Stores a new session at generation 0, branch 0, without a recoverable parent. It never overwrites: a second insert of an id rejects.
   *
   * With a limit, it also ends the live sessions of the subject that are too many. This is judged after the session has been stored. No
   * matter how many calls there are at once, exactly `keep` sessions are live when all calls have returned, if there are that many. If a
   * session is used or revoked in the same instant, there may be fewer. A session whose last use is more than a minute in the future
   * (because the store's clock has been set back) counts as the oldest. If the call rejects, the session may have been stored, and others
   * may have been ended.
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
   * Moves a session to `to`, if it is at exactly `from`, is not revoked and has the right key. This is a recovery, a healing or a
   * confirmation. If `to.restartsGrace` is true, it sets `rotatedAt`.
   * @returns the session as it is now, or null if it has changed nothing.
   */
  abstract advance(key: SessionKey, from: RefreshTokenPosition, to: SessionAdvance): Promise<SessionSnapshot | null>;

  /**
   * Reads a session from the primary.
   * @returns null if there is no such session.
   */
  abstract find(key: SessionKey): Promise<SessionSnapshot | null>;

  /**
   * Reads one page of the sessions of a subject that are neither revoked nor expired. Those used last come first. Those last used at the
   * same instant come in the order of their ids, as the store sorts them. It never reads more than the page into memory.
   */
  abstract list(owner: SessionOwner, page: SessionPage): Promise<readonly TokenSession[]>;

  /**
   * Changes what is given of a session that is neither revoked nor expired. It changes nothing else: not the position, the key or the
   * lifetimes.
   * @returns whether there is such a session, also if the patch is empty.
   */
  abstract update(key: SessionKey, patch: SessionPatch): Promise<boolean>;

  /**
   * Binds a session to this key, if it is neither revoked nor expired and has no key. It never replaces a key, not even by the same one.
   * @returns whether this call bound it.
   */
  abstract bind(key: SessionKey, boundKey: string): Promise<boolean>;

  /**
   * Ends a session, if the condition holds. It is idempotent: the first reason and instant stay.
   * @returns whether this call ended it.
   */
  abstract revoke(key: SessionKey, reason: RevokeReason, condition?: RevokeCondition): Promise<boolean>;

  /**
   * Ends all sessions of a subject, except the one with the id `except`, no matter how many there are. It works in steps, so that no
   * statement locks more than about a thousand rows. If it rejects, some sessions may have been ended.
   * @returns the ids of the sessions that this call ended. A store that learns only how many were ended may add those that a simultaneous
   * call ended.
   */
  abstract revokeAll(owner: SessionOwner, reason: RevokeReason, except?: string): Promise<readonly string[]>;

  /**
   * Reads which sessions of an instance have been revoked, whether they have expired since or not, and also the sessions that are open but
   * whose access tokens have been revoked. Each session is listed once. Returns at most `limit` of them, the earliest first, in the order
   * of `revokedAt` and then `id`. The next page begins after the last session of this one. A page that is not full is the last.
   */
  abstract revokedSince(realm: string, from: RevokedFrom, limit: number): Promise<RevokedPage>;

  /**
   * Deletes at most `max` sessions of an instance whose absolute lifetime has passed. Until then a row is the evidence for reuse detection.
   * @returns the number of deleted sessions.
   */
  abstract purge(realm: string, max: number): Promise<number>;
}
