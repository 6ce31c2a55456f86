import type { IntrospectionOptions } from '../access-token/introspection.options.js';
import type { IntrospectionSettings } from '../access-token/token-introspector.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import { isSafeAddress } from '../keys/fetch-key-set.js';
import type { JwksOptions } from '../keys/jwks.options.js';
import type { KeyRing } from '../keys/key-ring.js';
import type { RemoteKeySettings } from '../keys/remote-key-source.js';
import { keyRingFromDocument } from '../keys/static-key-source.js';
import { INTROSPECTION } from './introspection.schema.js';
import { JWKS } from './jwks.schema.js';
import { requireKnownKeys } from './known-keys.js';
import { moduleReader } from './module-reader.js';
import { OF_SESSIONS, refuseOptions } from './foreign-options.js';
import { optionReader } from './option-reader.js';
import { resolveAccessOptions } from './resolve-access-options.js';
import type { RequestOptions } from './resolve-options.js';
import { resolveRequestOptions } from './resolve-options.js';
import type { TokenModuleOptions } from './token.options.js';

/** The options of an instance that only verifies access tokens, checked and with their defaults. */
export interface ResolvedVerifierOptions extends RequestOptions {
  /** The keys, or where they are fetched. */
  readonly jwks: KeyRing | RemoteKeySettings;
  /** Null if revocations are not asked about. */
  readonly introspection: IntrospectionSettings | null;
}

/** The options of an instance that issues tokens. */
const OF_ISSUERS = ['secret', 'keys', 'signer', 'sessions', 'claims', 'clients', 'legacy', ...OF_SESSIONS] as const;
const ONLY_VERIFIES = 'has no place next to `jwks`, because this instance only verifies access tokens; remove it';

/**
 * Checks the options of an instance that only verifies, and adds the defaults.
 *
 * @param name the name of the module instance.
 * @throws {TokenOptionsError} naming the first option that is wrong.
 */
export function resolveVerifierOptions(given: TokenModuleOptions, name: string): ResolvedVerifierOptions {
  requireKnownKeys(given);
  refuseOptions(given, OF_ISSUERS, ONLY_VERIFIES);
  if (given.access?.sliding) throw new TokenOptionsError('access.sliding', ONLY_VERIFIES);
  const options = moduleReader(given);
  const access = resolveAccessOptions(given.access, { issuer: options('issuer'), audience: options('audience') });
  const warnings: string[] = [];
  const handling = resolveRequestOptions(given, options, { name, warnings });
  if (typeof given.csrf === 'object' && given.csrf.secret !== undefined) {
    throw new TokenOptionsError(
      'csrf.secret',
      'belongs to the service that issues tokens, because this one issues no CSRF tokens; remove it',
    );
  }
  if (handling.transport.csrf?.mode === 'token') {
    throw new TokenOptionsError('csrf', "needs CSRF tokens (mode 'token'), and an instance that only verifies has no keys for them");
  }
  return Object.freeze({
    access: Object.freeze({ ...access, sessionIsOptional: true }),
    jwks: resolveJwks(given.jwks),
    introspection: resolveIntrospection(given.introspection),
    ...handling,
    csrfKeys: null,
    ownsCookies: false,
    legacy: null,
    warnings: Object.freeze(warnings),
  });
}

function resolveJwks(given: JwksOptions | undefined): KeyRing | RemoteKeySettings {
  const jwks = optionReader({ group: 'jwks', schema: JWKS, given });
  const [uri, allowHttp] = [jwks('uri'), jwks('allowHttp')];
  const limits = { timeoutMs: jwks('timeout'), maxBytes: jwks('maxBytes') };
  const spans = { maxAgeMs: jwks('maxAge'), cooldownMs: jwks('cooldown') };
  if ((uri === undefined) === (given?.document === undefined)) {
    throw new TokenOptionsError('jwks', 'takes either `uri` or `document`: where the keys are that verify access tokens');
  }
  if (uri === undefined) return keyRingFromDocument(given?.document);
  requireSafeAddress('jwks.uri', uri, allowHttp);
  return Object.freeze({ uri, ...limits, ...spans });
}

function resolveIntrospection(given: IntrospectionOptions | undefined): IntrospectionSettings | null {
  if (given === undefined) return null;
  const introspection = optionReader({ group: 'introspection', schema: INTROSPECTION, given });
  const [uri, id, secret] = [introspection('uri'), introspection('clientId'), introspection('clientSecret')];
  const [cacheForMs, timeoutMs] = [introspection('cacheFor'), introspection('timeout')];
  requireSafeAddress('introspection.uri', uri, introspection('allowHttp'));
  // RFC 6749 §2.3.1: both are encoded as form values before they are joined.
  const credentials = [id, secret].map((text) => new URLSearchParams([['', text]]).toString().slice(1)).join(':');
  const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`;
  return Object.freeze({ uri, authorization: () => authorization, cacheForMs, timeoutMs });
}

function requireSafeAddress(option: string, address: string, allowHttp: boolean): void {
  if (isSafeAddress(address, allowHttp)) return;
  throw new TokenOptionsError(
    option,
    'is not an https address without a user name; allowHttp: true allows http within a protected network',
  );
}
