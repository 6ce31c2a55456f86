import { Logger } from '@nestjs/common';
import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import { customClaims } from '../access-token/access-token.claims.js';
import type { Clock } from '../clock.js';
import { blameClaims } from '../principal/ask-hook.js';
import { SlideAttempts } from './slide-attempts.js';
import type { SlidingRules } from './sliding.js';
import { slidesUntil } from './sliding.js';
import type { IssuedStateless, StatelessIssuer } from './stateless-issuer.js';

/**
 * How long after it was issued a response may carry the next token, in milliseconds. The browser may have signed out, or another user in,
 * while a slow handler works. A token that is left out costs nothing, because the one before is still good.
 */
const DELIVERABLE_MS = 2_000;
/** At most once in so many milliseconds, the log says that replacements take too long. */
const QUIET_MS = 1_000;

/**
 * Replaces access tokens that slide (`access.sliding`). A page sends several requests with one token at the same time. Within a second,
 * they share one replacement on this node, so that the hooks are asked once.
 */
export class TokenSlider {
  private readonly logger = new Logger('TokenModule');
  private readonly attempts: SlideAttempts<IssuedStateless>;
  /** The value of `performance.now()` until which the log says nothing. */
  private silentUntil = -Infinity;

  constructor(
    private readonly rules: SlidingRules,
    private readonly ports: { readonly issuer: StatelessIssuer; readonly clock: Clock },
  ) {
    this.attempts = new SlideAttempts(ports.clock, () => this.tellOverdue());
  }

  /** Tells whether a token that has been verified is replaced now. It does no I/O. */
  isDue(claims: AccessTokenClaims): boolean {
    return claims.sliding !== undefined && slidesUntil(claims, this.ports.clock.now(), this.rules) !== null;
  }

  /**
   * Issues the token that takes the place of another one. The hooks are asked, so that a user who is disabled does not stay signed in, and
   * the claims are up to date.
   * @param claims those of a token that has been verified.
   * @returns the token and its caller, or null if the token is not due, or no longer, or if the hooks and the signer take longer than a
   * second. Then the token stays as it is, because it is good.
   * @throws {TokenError} rejects with `user_rejected`, `hook_failed`, `hook_timeout`, `store_unavailable` or `signer_unavailable`.
   */
  slide(claims: AccessTokenClaims): Promise<IssuedStateless | null> {
    return this.attempts.share(claims.jti, () => this.replace(claims));
  }

  private async replace(claims: AccessTokenClaims): Promise<IssuedStateless | null> {
    const at = this.ports.clock.now();
    const until = slidesUntil(claims, at, this.rules);
    if (until === null) return null;
    const { sub: subject, auth_time: authTime = 0, sliding } = claims;
    const own = { subject, claims: customClaims(claims), authTime: authTime * 1_000, sliding, persistent: sliding?.persistent };
    return this.ports.issuer.issue({ ...own, at, until, lifetimeMs: undefined, deliverableMs: DELIVERABLE_MS }).catch(blameClaims);
  }

  private tellOverdue(): void {
    const now = performance.now();
    if (now < this.silentUntil) return;
    this.silentUntil = now + QUIET_MS;
    this.logger.error('access.sliding: the hooks and the signer take longer than 1 s, so access tokens are not replaced');
  }
}
