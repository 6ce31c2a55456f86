import type { Duration } from '../duration.js';
import type { SessionInfo } from './session-info.js';

/**
 * The `loadUser` option. Returns the user that a token speaks for, or null when the user is gone or disabled.
 *
 * @example
 * ```ts
 * const loadUser: LoadUserHook = (subject) => users.findOneBy({ id: subject, isActive: true });
 * ```
 */
export type LoadUserHook = (subject: string, session: SessionInfo) => Promise<object | null> | object | null;

/** The `loadUser` option for a hook whose result is kept for a while, so that not every request asks the database. */
export interface CachedUserOptions {
  /** Loads the user. The result may depend on the subject only, because all sessions of the subject share it. */
  load: LoadUserHook;
  /**
   * How long this node keeps a user. A user who is disabled is let in for that long, unless you end the sessions with `revokeAll`, which
   * reaches the other nodes within a second. From 1 s to 1 h.
   */
  cacheFor: Duration;
}

/**
 * The `claims` option. Returns the custom claims for a new access token.
 *
 * @example
 * ```ts
 * const claims: ClaimsHook = async (subject) => ({ roles: await roles.of(subject) });
 * ```
 */
export type ClaimsHook = (subject: string, session: SessionInfo) => Promise<object> | object;

/** The hooks by which the application takes part in authentication. */
export interface PrincipalHookOptions {
  readonly loadUser?: LoadUserHook;
  readonly claims?: ClaimsHook;
}
