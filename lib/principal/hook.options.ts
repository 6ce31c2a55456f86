import type { SessionInfo } from './session-info.js';

/** The `loadUser` option: returns the user that a token speaks for, or null when the user is gone or disabled. */
export type LoadUserHook = (subject: string, session: SessionInfo) => Promise<object | null> | object | null;

/** The `claims` option: returns the custom claims of a new access token. */
export type ClaimsHook = (subject: string, session: SessionInfo) => Promise<object> | object;

/** The hooks with which an application takes part in each authentication. */
export interface PrincipalHookOptions {
  readonly loadUser?: LoadUserHook;
  readonly claims?: ClaimsHook;
}
