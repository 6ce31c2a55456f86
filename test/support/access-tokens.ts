import { createSecretKey } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { TokenKey, TokenModuleOptions, TokenRepository } from 'nestjs-token';
import { AccessTokenService, TokenError } from 'nestjs-token';
import type { KeyRing, ResolvedTokenOptions, VerifiedTokenCache } from './lib.js';
import { AccessTokenIssuer, KeyReloader, LocalSigner, resolveTokenOptions, RevocationList, revocationSettings } from './lib.js';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { ISSUER, SECRET } from './app.js';

export const SESSION_ID = '00112233-4455-8677-8899-aabbccddeeff';

/** Returns session id number n, for tests that need several. */
export const sessionId = (n: number): string => `00000000-0000-8000-8000-${n.toString(16).padStart(12, '0')}`;

export interface AccessTokenSetup {
  options?: Partial<TokenModuleOptions>;
  realm?: string;
  /** What `options.keys` has returned, if it is a function. */
  supplied?: TokenKey[];
  clock?: FakeClock;
  repository?: TokenRepository;
  /** The key ring of another service, to share it. */
  ring?: KeyRing;
  /** The list of another service, to share it. */
  revocations?: RevocationList;
}

export interface AccessTokens {
  service: AccessTokenService;
  issuer: AccessTokenIssuer;
  resolved: ResolvedTokenOptions;
  ring: KeyRing;
  revocations: RevocationList;
  repository: TokenRepository;
  cache: VerifiedTokenCache | null;
  clock: FakeClock;
}

/** Makes an {@link AccessTokenService} as an instance of the module does, with a clock that stands still. */
export function accessTokens(setup: AccessTokenSetup = {}): AccessTokens {
  const { options = {}, realm = 'default', clock = new FakeClock() } = setup;
  const repository = setup.repository ?? new InMemoryTokenRepository(clock);
  const keys = options.keys ? { refresh: { secret: SECRET } } : { secret: SECRET };
  const resolved = resolveTokenOptions({ issuer: ISSUER, ...keys, ...options }, realm, setup.supplied ?? options.keys);
  const { access } = resolved;
  const ring = setup.ring ?? access.ring;
  const revocations = setup.revocations ?? new RevocationList(repository, revocationSettings(realm, resolved));
  const issuer = new AccessTokenIssuer(access, new LocalSigner(ring));
  const service = new AccessTokenService(access, {
    keys: ring,
    issuer,
    denylist: revocations,
    clock,
    reloader: new KeyReloader(ring, access.supply),
  });
  return { service, issuer, resolved, ring, revocations, repository, cache: service.cache, clock };
}

/** Returns the error code of the {@link TokenError} that a call ends with, or `'none'`. */
export async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return 'none';
  } catch (error) {
    if (error instanceof TokenError) return error.errorCode;
    throw error;
  }
}

export function decoded(token: string): { header: Record<string, unknown>; payload: Record<string, unknown> } {
  const [header = '', payload = ''] = token.split('.').map((segment) => Buffer.from(segment, 'base64url').toString());
  return { header: JSON.parse(header), payload: JSON.parse(payload) };
}

/** Signs a changed token with the service's own key. A member with the value `undefined` is removed. */
export function forged({ ring }: AccessTokens, token: string, change: { header?: object; payload?: object }): string {
  const { header, payload } = decoded(token);
  const secret = ring.signing.signingKey.type === 'secret' ? createSecretKey(ring.signing.signingKey.export()) : ring.signing.signingKey;
  const members = Object.entries({ ...payload, ...change.payload }).filter(([, value]) => value !== undefined);
  return jwt.sign(JSON.stringify(Object.fromEntries(members)), secret, {
    algorithm: ring.signing.algorithm as jwt.Algorithm,
    header: { ...header, ...change.header } as unknown as jwt.JwtHeader,
  });
}
