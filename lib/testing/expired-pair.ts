import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import { customClaims } from '../access-token/access-token.claims.js';
import type { AccessTokenService } from '../access-token/access-token.service.js';
import { Clock } from '../clock.js';
import { accessTokenServiceToken } from '../module/injection-tokens.js';
import { TokenPair } from '../session/token-pair.js';
import type { ServiceLocator, TestPairOptions } from './issue-test-pair.js';
import { issueTestPair } from './issue-test-pair.js';

/** More than the largest `access.leeway`, so that no clock skew saves the token. */
const EXPIRED_FOR_MS = 600_000;
const LIFETIME_MS = 1_000;

/**
 * Signs a subject in and returns a pair whose access token expired ten minutes ago. Its refresh token is good, so the next request with
 * this pair refreshes. Works with every store and every clock, a real database included: only the access token is old, its session is new.
 *
 * @returns the pair. Its `expiresIn` is 0.
 * @throws {Error} Nest's own error, when the application has no instance with this name.
 * @throws {TokenError} as `RefreshService.signIn` does.
 * @example
 * const pair = await expiredPair(app, 'alice');
 * const response = await request(app.getHttpServer()).get('/me').set(tokenHeaders(app, pair));
 * // 200, and response.headers has a new pair
 */
export async function expiredPair(app: ServiceLocator, subject: string, options: Omit<TestPairOptions, 'age'> = {}): Promise<TokenPair> {
  const pair = await issueTestPair(app, subject, options);
  const accessTokens = app.get<AccessTokenService>(accessTokenServiceToken(options.name));
  const claims = await accessTokens.verify(pair.accessToken);
  const accessToken = await expiredToken(accessTokens, { ...claims, sid: pair.sessionId }, app.get<Clock>(Clock).now());
  const { refreshToken, tokenType, refreshExpiresIn, sessionId, persistent } = pair;
  const own = refreshToken === undefined ? {} : { refreshToken };
  return new TokenPair({ accessToken, ...own, tokenType, expiresIn: 0, refreshExpiresIn, sessionId, persistent });
}

async function expiredToken(accessTokens: AccessTokenService, claims: AccessTokenClaims & { sid: string }, now: number): Promise<string> {
  const at = now - EXPIRED_FOR_MS - LIFETIME_MS;
  const { sub: subject, sid: sessionId } = claims;
  const old = { subject, sessionId, claims: customClaims(claims), at, authTime: at, lifetimeMs: LIFETIME_MS };
  return (await accessTokens.issue(old)).token;
}
