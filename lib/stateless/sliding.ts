import type { AccessTokenClaims } from '../access-token/access-token.claims.js';

/** How access tokens slide. */
export interface SlidingRules {
  /** How long after the sign-in the last access token expires, in milliseconds. Whole seconds. */
  readonly absoluteMs: number;
}

/**
 * Decides whether an access token is replaced now. It is if more than half of its lifetime has passed, and if the next one may be accepted
 * for longer. Pure: it reads no clock.
 *
 * @param now epoch milliseconds.
 * @returns the instant until which the next token may be accepted at most, in epoch milliseconds, or null if this one stays.
 */
export function slidesUntil(claims: AccessTokenClaims, now: number, { absoluteMs }: SlidingRules): number | null {
  const { iat, exp, auth_time: authTime, sliding } = claims;
  if (sliding === undefined || authTime === undefined) return null;
  if (now <= ((iat + exp) / 2) * 1_000) return null;
  const until = Math.min(sliding.until * 1_000, authTime * 1_000 + absoluteMs);
  return until > exp * 1_000 && until >= now + 1_000 ? until : null;
}
