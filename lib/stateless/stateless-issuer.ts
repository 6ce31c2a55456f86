import type { SlidingClaim } from '../access-token/access-token.claims.js';
import type { AccessTokenIssuer } from '../access-token/access-token.issuer.js';
import { requireStorable } from '../access-token/access-token.issuer.js';
import type { PrincipalHooks } from '../principal/principal-hooks.js';
import { principalOf } from '../principal/principal-hooks.js';
import type { Principal } from '../principal/principal.js';
import { AccessTokenResponse } from './access-token-response.js';

/** How access tokens without sessions travel. */
export interface StatelessSettings {
  /** The scheme of the access token, as the response names it (RFC 6749 §7.1). */
  readonly tokenType: string;
  /** Whether a body may carry the token. */
  readonly isInBody: boolean;
  /** The largest number of characters that an access token may have. A browser silently drops a cookie that is too large. */
  readonly maxAccessLength: number;
  /** Whether cookies outlive the browser, unless a sign-in says otherwise. */
  readonly persistent: boolean;
}

/** What a token is made from. Instants are epoch milliseconds. */
export interface StatelessDraft {
  readonly subject: string;
  /** The application's own claims. The `claims` hook may replace them. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly at: number;
  readonly authTime: number;
  /** The longest lifetime. `undefined` means that of the options, shortened at random. */
  readonly lifetimeMs: number | undefined;
  /** The instant at which the token expires at the latest. `Infinity` sets no limit. */
  readonly until: number;
  readonly sliding: SlidingClaim | undefined;
  readonly persistent: boolean | undefined;
  /** How long after it was issued a response may carry the token, in milliseconds. `Infinity` sets no limit. */
  readonly deliverableMs: number;
}

/** A token, and the caller that it speaks for. */
export interface IssuedStateless {
  readonly tokens: AccessTokenResponse;
  readonly principal: Principal;
}

/** Issues access tokens that belong to no session, after it has asked the hooks of the application. */
export class StatelessIssuer {
  constructor(
    private readonly settings: StatelessSettings,
    private readonly ports: { readonly accessTokens: AccessTokenIssuer; readonly hooks: PrincipalHooks },
  ) {}

  /**
   * Issues a token.
   * @throws {TokenError} rejects with `user_rejected`, `hook_failed`, `hook_timeout`, `store_unavailable` or `signer_unavailable`.
   * @throws {TypeError} rejects with it if the claims make the token larger than its cookie may be.
   */
  async issue({ subject, claims: own, at, authTime, until, sliding, ...draft }: StatelessDraft): Promise<IssuedStateless> {
    const { accessTokens, hooks } = this.ports;
    const { tokenType, isInBody, maxAccessLength } = this.settings;
    const { user, claims: current } = await hooks.ask({ subject, authTime, claims: own });
    const lifetimeMs = Math.min(draft.lifetimeMs ?? accessTokens.jitteredLifetime(), until - at);
    const draftOfToken = { subject, sessionId: undefined, claims: current, at, authTime, sliding, lifetimeMs };
    const { token: accessToken, claims } = await accessTokens.issue(draftOfToken);
    requireStorable(accessToken, maxAccessLength);
    const { persistent = this.settings.persistent, deliverableMs } = draft;
    const staleAt = performance.now() + deliverableMs;
    const tokens = new AccessTokenResponse({ accessToken, claims, tokenType, persistent, isInBody, staleAt });
    return { tokens, principal: principalOf(claims, user) };
  }
}
