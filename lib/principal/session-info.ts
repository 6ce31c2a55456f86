import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import { customClaims } from '../access-token/access-token.claims.js';

/** What the `loadUser` and `claims` hooks and `@CurrentSession()` learn of a session: what an access token tells of it. */
export interface SessionInfo {
  /** The session id (`sid`). Absent where the access token belongs to no session. */
  readonly sessionId?: string;
  /** The subject (`sub`). */
  readonly subject: string;
  /** Instant of the sign-in, epoch milliseconds; 0 where the access token does not tell it. */
  readonly authTime: number;
  /** The application's own claims: those of the access token, or those given at sign-in when a token is being issued. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What an access token tells of its session. */
export function sessionOf(claims: AccessTokenClaims): SessionInfo {
  const { sid, sub, auth_time: authTime = 0 } = claims;
  return { ...(sid !== undefined && { sessionId: sid }), subject: sub, authTime: authTime * 1_000, claims: customClaims(claims) };
}
