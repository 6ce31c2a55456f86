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
