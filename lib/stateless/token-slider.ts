import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import { customClaims } from '../access-token/access-token.claims.js';
import { RecentTokens } from '../access-token/recent-tokens.js';
import type { Clock } from '../clock.js';
import { blameClaims } from '../principal/ask-hook.js';
import type { SlidingRules } from './sliding.js';
import { slidesUntil } from './sliding.js';
import type { IssuedStateless, StatelessIssuer } from './stateless-issuer.js';

/** How long requests with the same token share its replacement, in milliseconds. */
const SHARED_MS = 1_000;
/** Maximum number of replacements that are shared. */
const MAX_SHARED = 1_000;
/**
 * How long after it was issued a response may carry the next token, in milliseconds. The browser may have signed out, or another user in,
 * while a slow handler works. A token that is left out costs nothing, because the one before is still good.
 */
const DELIVERABLE_MS = 2_000;

interface Replacement {
  /** When the work on it began, epoch milliseconds. */
  readonly at: number;
  readonly issued: Promise<IssuedStateless | null>;
}

/**
 * Replaces access tokens that slide (`access.sliding`). A page sends several requests with one token at the same time. Within a second, they
 * share one replacement on this node, so that the hooks are asked once.
 */
export class TokenSlider {
  /** By the `jti` of the token that is replaced. */
  private readonly recent = new RecentTokens<Replacement>(MAX_SHARED);

  constructor(
    private readonly rules: SlidingRules,
    private readonly ports: { readonly issuer: StatelessIssuer; readonly clock: Clock },
  ) {}

  /** Tells whether a token that has been verified is replaced now. It does no I/O. */
  isDue(claims: AccessTokenClaims): boolean {
    return claims.sliding !== undefined && slidesUntil(claims, this.ports.clock.now(), this.rules) !== null;
  }

  /**
   * Issues the token that takes the place of another one. The hooks are asked, so that a user who is disabled does not stay signed in, and
   * the claims are up to date.
   * @param claims those of a token that has been verified.
   * @returns the token and its caller, or null if the token is not due, or no longer.
   * @throws {TokenError} rejects with `user_rejected`, `hook_failed`, `hook_timeout`, `store_unavailable` or `signer_unavailable`.
   */
  async slide(claims: AccessTokenClaims): Promise<IssuedStateless | null> {
    const now = this.ports.clock.now();
    const known = this.recent.get(claims.jti);
    if (known && Math.abs(now - known.at) < SHARED_MS) return known.issued;
    const issued = this.replace(claims, now);
    this.recent.set(claims.jti, { at: now, issued });
    return issued;
  }

  private async replace(claims: AccessTokenClaims, at: number): Promise<IssuedStateless | null> {
    const until = slidesUntil(claims, at, this.rules);
    if (until === null) return null;
    const { sub: subject, auth_time: authTime = 0, sliding } = claims;
    const own = { subject, claims: customClaims(claims), authTime: authTime * 1_000, sliding, persistent: sliding?.persistent };
    return this.ports.issuer.issue({ ...own, at, until, lifetimeMs: undefined, deliverableMs: DELIVERABLE_MS }).catch(blameClaims);
  }
}
