import type { SlidingClaim } from '../access-token/access-token.claims.js';
import { ownClaims, requireSubject } from '../access-token/access-token.claims.js';
import { askedLifetime } from '../access-token/access-token.issuer.js';
import type { Clock } from '../clock.js';
import type { Duration } from '../duration.js';
import { parseDuration } from '../duration.js';
import type { PrincipalHooks } from '../principal/principal-hooks.js';
import type { AccessTokenResponse } from './access-token-response.js';
import type { SlidingRules } from './sliding.js';
import type { StatelessIssuer } from './stateless-issuer.js';

/** What a sign-in without a session may contain in addition to the subject. */
export interface StatelessSignInOptions {
  /** Claims of the access token, unless the `claims` hook gives them. At most 4096 bytes of JSON. @defaultValue none */
  claims?: object;
  /**
   * Lifetime of the access token, without jitter, at most `access.maxLifetime`. Not with `access.sliding`.
   * @defaultValue `access.lifetime`, shortened by the jitter
   */
  lifetime?: Duration;
  /**
   * How long after this sign-in the last access token expires, for example a short time without “remember me”. From 1 s to
   * `access.sliding.absoluteLifetime`, in whole seconds. Only with `access.sliding`. @defaultValue `access.sliding.absoluteLifetime`
   */
  absoluteLifetime?: Duration;
  /**
   * Whether the cookie outlives the browser (“remember me”). With `false`, it ends with the browser session, and so do those that replace
   * it. It concerns cookies only. @defaultValue `cookie.persistent`
   */
  persistent?: boolean;
}

/** The lifetimes. Spans are milliseconds. */
export interface SignInSettings {
  readonly maxLifetimeMs: number;
  /** Null if access tokens do not slide. */
  readonly sliding: SlidingRules | null;
}

/** What a sign-in works with. */
export interface SignInPorts {
  readonly issuer: StatelessIssuer;
  readonly hooks: PrincipalHooks;
  readonly clock: Clock;
}

/**
 * Signs users in without sessions (`sessions: false`). Nothing is stored, so nothing can be revoked: an access token is accepted until it
 * expires. An instance with sessions has `RefreshService` in its place.
 */
export class SignInService {
  /** @internal */
  constructor(
    private readonly settings: SignInSettings,
    private readonly ports: SignInPorts,
  ) {}

  /**
   * Issues an access token for a user who has just authenticated, for example with the password. The hooks `loadUser` and `claims` are
   * asked. A handler with `TokenInterceptor` returns the result, which puts the token into the header or the cookie.
   * @param subject the user, as text of 1 to 255 characters.
   * @throws {TypeError} rejects with it on a subject that is no plain text, on reserved or oversized claims, on a lifetime out of range,
   * and on a lifetime of the kind that does not belong to these options.
   * @throws {TokenError} rejects with `user_rejected`, or with `hook_timeout`, `hook_failed`, `store_unavailable` or `signer_unavailable`.
   * @example
   * ```ts
   * @Post('login') @HttpCode(200) @UseInterceptors(TokenInterceptor)
   * async login(@Body() dto: LoginDto): Promise<AccessTokenResponse> {
   *   const user = await this.users.checkPassword(dto);
   *   return this.signIns.signIn(user.id, { claims: { roles: user.roles } });
   * }
   * ```
   */
  async signIn(subject: string, options: StatelessSignInOptions = {}): Promise<AccessTokenResponse> {
    const { claims = {}, persistent } = options;
    requireSubject(subject);
    if (persistent !== undefined && typeof persistent !== 'boolean') throw new TypeError('persistent: not a boolean');
    const at = this.ports.clock.now();
    const sliding = this.slidingOf(options, at);
    const lifetimeMs = this.lifetimeOf(options);
    const until = sliding ? sliding.until * 1_000 : Infinity;
    const own = { subject, claims: ownClaims(claims), sliding, persistent };
    const draft = { ...own, at, authTime: at, lifetimeMs, until, deliverableMs: Infinity };
    return (await this.ports.issuer.issue(draft)).tokens;
  }

  /**
   * Forgets what `loadUser` has returned for a subject, so that the next request of this subject asks it again. It is needed only with
   * `loadUser: { load, cacheFor }`, after you have changed the user, and does something on this node only.
   */
  forgetUser(subject: string): void {
    this.ports.hooks.forgetUser(subject);
  }

  private lifetimeOf({ lifetime }: StatelessSignInOptions): number | undefined {
    if (lifetime === undefined) return undefined;
    if (this.settings.sliding) throw new TypeError('lifetime: does not go with access.sliding; give absoluteLifetime');
    return askedLifetime(lifetime, this.settings);
  }

  private slidingOf({ absoluteLifetime, persistent }: StatelessSignInOptions, at: number): SlidingClaim | undefined {
    const { sliding } = this.settings;
    if (!sliding) {
      if (absoluteLifetime !== undefined) throw new TypeError('absoluteLifetime: belongs to access.sliding; give lifetime');
      return undefined;
    }
    const absoluteMs = absoluteLifetime === undefined ? sliding.absoluteMs : parseDuration(absoluteLifetime);
    if (absoluteMs < 1_000 || absoluteMs > sliding.absoluteMs || absoluteMs % 1_000 !== 0) {
      throw new TypeError('absoluteLifetime: not a whole number of seconds from 1 s to access.sliding.absoluteLifetime');
    }
    return { until: Math.floor(at / 1_000) + absoluteMs / 1_000, ...(persistent !== undefined && { persistent }) };
  }
}
