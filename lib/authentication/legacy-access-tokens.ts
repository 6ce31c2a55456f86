import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import { audienceClaim, deeplyFrozen, ownClaims, requireSubject } from '../access-token/access-token.claims.js';
import type { AccessTokenService } from '../access-token/access-token.service.js';
import type { Clock } from '../clock.js';
import { TokenExpired, TokenInvalid, TokenMalformed, TokenTooLarge, TokenTypeMismatch } from '../errors/token.errors.js';
import { legacyDigest, mayBeLegacyToken } from '../keys/legacy-token.js';
import { askAboutLegacyToken, instantOf } from '../principal/legacy-hook.js';
import type { LegacyAccess, LegacyVerifyHook } from '../principal/legacy.options.js';

/** How access tokens of another system are verified. Spans are milliseconds. */
export interface LegacyAccessSettings {
  /** Name of the instance. */
  readonly name: string;
  readonly issuer: string;
  readonly audience: readonly string[];
  /** How long a token counts as good if the hook does not say when it expires. */
  readonly lifetimeMs: number;
  readonly leewayMs: number;
  /** Without it, every token of another system counts as expired, so that a refresh token that came along is used. */
  readonly verify?: LegacyVerifyHook | undefined;
  /** Instant from which tokens of another system are refused like any other bad token, epoch milliseconds. */
  readonly untilMs: number;
  /** Time limit of the hook. */
  readonly timeoutMs: number;
}

/** What the verification works with. */
export interface LegacyAccessPorts {
  readonly accessTokens: Pick<AccessTokenService, 'verify'>;
  readonly clock: Clock;
}

/**
 * Verifies access tokens while a migration bridge is open: first as ours, and then, if it is none of ours, by the `legacy.verify` hook. No
 * result is remembered, so the hook is asked at each request.
 */
export class LegacyAccessTokens {
  constructor(
    private readonly settings: LegacyAccessSettings,
    private readonly ports: LegacyAccessPorts,
  ) {}

  /**
   * Verifies an access token of this module or of another system.
   * @returns the claims, deeply frozen. Those of another system's token have no `sid`.
   * @throws {TokenError} rejects as `AccessTokenService.verify` does. A token of another system that is not good is `token_expired` or
   * `token_invalid`, and a refresh token may help in both cases. Also rejects with `user_rejected`, `hook_failed`, `hook_timeout` or
   * `store_unavailable`, if the hook does.
   */
  async verify(token: string): Promise<AccessTokenClaims> {
    const { accessTokens, clock } = this.ports;
    try {
      return await accessTokens.verify(token);
    } catch (error) {
      if (!isUnknown(error) || !mayBeLegacyToken(token) || clock.now() >= this.settings.untilMs) throw error;
    }
    return this.ask(token);
  }

  private async ask(token: string): Promise<AccessTokenClaims> {
    const { verify, timeoutMs } = this.settings;
    if (!verify) throw new TokenInvalid({ unknownKey: true });
    const claims = await askAboutLegacyToken<LegacyAccess, AccessTokenClaims | 'expired'>({
      hook: 'legacy.verify',
      timeoutMs,
      token,
      ask: verify,
      read: (answer) => this.read(token, answer),
    });
    if (claims === 'expired') throw new TokenExpired(undefined);
    if (claims === 'refused') throw new TokenInvalid({ unknownKey: true });
    return claims;
  }

  private read(token: string, { subject, claims = {}, ...instants }: LegacyAccess): AccessTokenClaims | 'expired' {
    const { name, issuer, audience, lifetimeMs, leewayMs, untilMs } = this.settings;
    requireSubject(subject);
    const now = this.ports.clock.now();
    const expiresAt = instantOf('expiresAt', instants.expiresAt) ?? now + lifetimeMs;
    if (now >= expiresAt + leewayMs) return 'expired';
    const issuedAt = instantOf('issuedAt', instants.issuedAt) ?? 0;
    const authTime = instantOf('authTime', instants.authTime);
    return deeplyFrozen({
      ...ownClaims(claims),
      iss: issuer,
      sub: subject,
      aud: audienceClaim(audience),
      iat: Math.floor(issuedAt / 1_000),
      exp: Math.floor(Math.min(expiresAt, untilMs) / 1_000),
      jti: legacyDigest(token, 'jti', issuer, name).toString('base64url'),
      ...(authTime !== undefined && { auth_time: Math.floor(authTime / 1_000) }),
    });
  }
}

/** Tells whether our verifier has refused a token before it knew it for one of ours. An expired or a revoked token was one. */
function isUnknown(error: unknown): boolean {
  return [TokenMalformed, TokenInvalid, TokenTypeMismatch, TokenTooLarge].some((type) => error instanceof type);
}
