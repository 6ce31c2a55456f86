import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import { customClaims } from '../access-token/access-token.claims.js';

/** What the `loadUser` and `claims` hooks and `@CurrentSession()` learn about a session. An access token contains all of it. */
export interface SessionInfo {
  /** The session id (`sid`). Absent if the access token belongs to no session. */
  readonly sessionId?: string;
  /** The subject (`sub`). */
  readonly subject: string;
  /** Instant of the sign-in, epoch milliseconds. 0 if the access token does not contain it. */
  readonly authTime: number;
  /** The application's own claims. They are those of the access token, or those given at sign-in if a token is being issued. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Returns what an access token tells about its session. */
export function sessionOf(claims: AccessTokenClaims): SessionInfo {
  const { sid, sub, auth_time: authTime = 0 } = claims;
  return { ...(sid !== undefined && { sessionId: sid }), subject: sub, authTime: authTime * 1_000, claims: customClaims(claims) };
}
