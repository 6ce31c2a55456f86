import type { SessionInfo } from '../principal/session-info.js';

/**
 * The reasons for which a session is ended. `logout`: the user has signed out there. `user`: the user has ended it from another session,
 * such as in a list of devices. `password`: the password has changed. `admin`: an administrator or the application has ended it, which is
 * the default of `revoke` and `revokeAll`.
 *
 * Three reasons are this package's own. `reuse`: two parties hold one refresh token. `user-rejected`: the `loadUser` or `claims` hook said
 * that the user is gone (rows of version 0.1 have `user` for that too). `limit`: the subject has more sessions than it may have.
 */
export const REVOKE_REASONS = ['logout', 'user', 'password', 'admin', 'reuse', 'user-rejected', 'limit'] as const;

/** One of the {@link REVOKE_REASONS}. */
export type RevokeReason = (typeof REVOKE_REASONS)[number];

/** Names a session. An instance of the module never finds, lists or revokes the sessions of another. */
export interface SessionKey {
  /** Name of the module instance that owns the session. */
  readonly realm: string;
  /** The session id (`sid`): a UUID of version 8 (RFC 9562 §5.8), derived from the refresh token's secret. */
  readonly id: string;
}

/** Names the subject whose sessions are meant. */
export interface SessionOwner {
  /** Name of the module instance. */
  readonly realm: string;
  /** The subject (`sub`). */
  readonly subject: string;
}

/** Names a part of a list of sessions. */
export interface SessionPage {
  /** Maximum number of sessions. */
  readonly limit: number;
  /** The last session of the page before. The list goes on after it. Without it, the first page is read. */
  readonly after?: Pick<TokenSession, 'lastUsedAt' | 'id'> | undefined;
}

/** Position of a refresh token in its session. */
export interface RefreshTokenPosition {
  /** The generation. It is 0 at sign-in, and one more with each rotation. At most 2³¹ − 2. */
  readonly generation: number;
  /** The branch. It is 0 at first, and one more with each recovery of a lost response. At most 255. */
  readonly branch: number;
}

/** What the application says about the device at sign-in. Control characters are dropped, and each text is cut to 255 characters. */
export interface SessionDevice {
  /** A name that the user recognises, for example `Firefox on Linux`. */
  readonly label?: string;
  /** Network address. */
  readonly ip?: string;
  /** The `User-Agent` header. */
  readonly userAgent?: string;
}

/** What a sign-in stores. The store adds its own instants. */
export interface NewSession extends SessionKey, SessionOwner {
  /** Milliseconds without a rotation after which the session expires. */
  readonly idleMs: number;
  /**
   * An idle lifetime of this session's own, in milliseconds. It is stored, and replaces `idleMs` now and at every rotation. Left out if the
   * session has none.
   */
  readonly ownIdleMs?: number | undefined;
  /** Milliseconds after sign-in at which the session expires, whatever happens. */
  readonly absoluteMs: number;
  /**
   * Instant at which the user authenticated, epoch milliseconds. 0 means that it is not known. Left out if the user has just authenticated:
   * the store then writes its own present instant.
   */
  readonly authTime?: number | undefined;
  /** Claims that every access token of the session carries. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** The device, already cleaned. */
  readonly device: SessionDevice;
  /** The application's own data, already checked. If it is absent, null is stored. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** The key that the session is bound to from the start. Absent if there is none. See {@link TokenSession.boundKey}. */
  readonly boundKey?: string | undefined;
}

/** One row, which is one sign-in and all tokens that descend from it. Instants are epoch milliseconds of the store's clock. */
export interface TokenSession extends SessionKey, SessionOwner, RefreshTokenPosition {
  /** Branch of the parent that may still be recovered, or −1 for none. */
  readonly parentBranch: number;
  /** Instant of the last rotation, recovery or confirmation. 0 until the first rotation. */
  readonly rotatedAt: number;
  /** Instant of the sign-in. */
  readonly createdAt: number;
  /** Instant of the last rotation, recovery or healing, or of a later use that an update reported. */
  readonly lastUsedAt: number;
  /** Instant from which the session has expired, if it is not refreshed. */
  readonly idleExpiresAt: number;
  /** The session's own idle lifetime in milliseconds. If it is null, that of the module counts at every rotation. */
  readonly ownIdleMs: number | null;
  /** Instant from which the session has expired, whatever happens. */
  readonly absoluteExpiresAt: number;
  /**
   * Instant of the last revocation of the session's access tokens while it stayed open, or null. Each one is later than the one before.
   */
  readonly accessRevokedAt: number | null;
  /** Instant of the revocation, or null. */
  readonly revokedAt: number | null;
  /** Why it was revoked, or null. */
  readonly revokeReason: RevokeReason | null;
  /** Rotations in the present window of the rotation limit. */
  readonly windowCount: number;
  /** Instant at which that window began. */
  readonly windowStartedAt: number;
  /** Instant at which the user authenticated (`auth_time`). 0 if it is not known. */
  readonly authTime: number;
  /** Claims given at sign-in, or since then by an update. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Network address at sign-in, or at the last use that was reported, or null. */
  readonly ip: string | null;
  /** `User-Agent` at sign-in, or at the last use that was reported, or null. */
  readonly userAgent: string | null;
  /** Name of the device, or null. */
  readonly label: string | null;
  /** The application's own data as given at sign-in, or null. This package only returns it in the list of sessions. */
  readonly data: Readonly<Record<string, unknown>> | null;
  /**
   * The public key that the session is bound to, or null. It is set once and never replaced. To the store it is opaque text of at most 1024
   * characters that is compared exactly: the RFC 7638 thumbprint of a DPoP key, or the JWK of a DBSC key.
   */
  readonly boundKey: string | null;
}

/** A session as its store saw it, and the store's instant of seeing it. Everything that follows is dated by that instant. */
export interface SessionSnapshot {
  readonly session: TokenSession;
  /** Epoch milliseconds of the store's clock. */
  readonly at: number;
}

/** A live session as `RefreshService.sessions` lists it. Instants are epoch milliseconds. */
export interface SessionSummary extends SessionInfo {
  /** The session id (`sid`). */
  readonly sessionId: string;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  /** The earlier of the idle and the absolute expiry, if the session is not refreshed until then. */
  readonly expiresAt: number;
  readonly label: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** The application's own data, as given at sign-in, or null. */
  readonly data: Readonly<Record<string, unknown>> | null;
}

/** Returns what an access token that is issued now would say about a session. */
export function sessionInfoOf({ id, subject, authTime, claims }: TokenSession): SessionInfo {
  return { sessionId: id, subject, authTime, claims };
}
