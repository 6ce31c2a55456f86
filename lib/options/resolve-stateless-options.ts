import type { KeyObject } from 'node:crypto';
import { createSecretKey } from 'node:crypto';
import type { AccessOptions } from '../access-token/access.options.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import type { DerivedKeyRing } from '../keys/derived-keys.js';
import { deriveKey, kidByteOf, readSecret } from '../keys/key-material.js';
import type { SlidingRules } from '../stateless/sliding.js';
import { SLIDING } from './access.schema.js';
import { OF_SESSIONS, refuseOptions } from './foreign-options.js';
import { requireKnownKeys } from './known-keys.js';
import { moduleReader } from './module-reader.js';
import { optionReader } from './option-reader.js';
import type { KeyContext } from './resolve-access-keys.js';
import { resolveAccessKeys } from './resolve-access-keys.js';
import { resolveAccessOptions } from './resolve-access-options.js';
import type { ResolvedLegacyOptions } from './resolve-legacy-options.js';
import { resolveLegacyOptions } from './resolve-legacy-options.js';
import type { IssuerOptions } from './resolve-options.js';
import { resolveRequestOptions } from './resolve-options.js';
import type { ResolvedTransportOptions } from './resolve-transport-options.js';
import type { TokenModuleOptions } from './token.options.js';

/** The options of an instance without sessions, checked and with their defaults. */
export interface ResolvedStatelessOptions extends IssuerOptions {
  /** Null if access tokens do not slide. */
  readonly sliding: SlidingRules | null;
}

const HAS_NO_SESSIONS = 'has no place next to `sessions: false`, because there are no sessions and no refresh tokens; remove it';

/**
 * Resolves options as {@link resolveStatelessOptions} does, after it has asked the function for the keys that `keys` may be.
 * @throws {TokenOptionsError} rejects with it.
 */
export async function loadStatelessOptions(given: TokenModuleOptions, name: string): Promise<ResolvedStatelessOptions> {
  return resolveStatelessOptions(given, name, typeof given.keys === 'function' ? await given.keys() : given.keys);
}

/**
 * Checks the options of an instance without sessions, and adds the defaults.
 *
 * @param name the name of the module instance.
 * @param keys what the option `keys` is or returns.
 * @throws {TokenOptionsError} naming the first option that is wrong.
 */
export function resolveStatelessOptions(given: TokenModuleOptions, name: string, keys: unknown = given.keys): ResolvedStatelessOptions {
  requireKnownKeys(given);
  requireNoSessions(given);
  const warnings: string[] = [];
  const options = moduleReader(given);
  const context = { issuer: options('issuer'), name, warnings };
  const { secret, ...accessKeys } = resolveAccessKeys(given, context, keys);
  const access = resolveAccessOptions(given.access, { issuer: context.issuer, audience: options('audience') });
  const handling = resolveRequestOptions(given, options, context);
  return Object.freeze({
    access: Object.freeze({ ...access, ...accessKeys, sessionIsOptional: true }),
    sliding: resolveSliding(given.access?.sliding, access.lifetimeMs),
    ...handling,
    csrfKeys: resolveCsrfKeys(given, secret, { ...context, transport: handling.transport }),
    ownsCookies: true,
    legacy: resolveLegacy(given),
    warnings: Object.freeze(warnings),
  });
}

function requireNoSessions(given: TokenModuleOptions): void {
  refuseOptions(given, [...OF_SESSIONS, 'clients'], HAS_NO_SESSIONS);
  if (given.sessions) {
    throw new TokenOptionsError('sessions', 'has options, but the module is declared with `stateless: true`; remove one of them');
  }
  if (given.introspection !== undefined) throw new TokenOptionsError('introspection', 'belongs to `jwks`; remove it');
  if (given.jwks !== undefined) {
    throw new TokenOptionsError('jwks', 'belongs to `verifyOnly: true`, but the module is declared with `stateless: true`');
  }
  if (given.transport === 'mixed') {
    throw new TokenOptionsError('transport', "is 'mixed', but there is no refresh token for the cookie; take 'header' or 'cookie'");
  }
}

function resolveSliding(given: AccessOptions['sliding'] = false, lifetimeMs: number): SlidingRules | null {
  if (given === false) return null;
  const sliding = optionReader({ group: 'access.sliding', schema: SLIDING, given: given === true ? {} : given });
  const absoluteMs = sliding('absoluteLifetime');
  if (absoluteMs <= lifetimeMs) {
    throw new TokenOptionsError('access.sliding.absoluteLifetime', 'is not above access.lifetime, so that no token would slide; raise it');
  }
  return Object.freeze({ absoluteMs });
}

function resolveLegacy({ legacy }: TokenModuleOptions): ResolvedLegacyOptions | null {
  if (legacy?.exchange !== undefined) throw new TokenOptionsError('legacy.exchange', HAS_NO_SESSIONS);
  return resolveLegacyOptions(legacy);
}

interface CsrfContext extends KeyContext {
  readonly transport: ResolvedTransportOptions;
}

/** The key of the CSRF tokens is derived from `csrf.secret` or from `secret`. Null if there are no CSRF tokens. */
function resolveCsrfKeys(given: TokenModuleOptions, secret: KeyObject | null, context: CsrfContext): DerivedKeyRing | null {
  const { transport, issuer, name } = context;
  const own = transport.csrf && (ownCsrfSecret(given, context) ?? secret);
  if (!own) {
    if (!transport.csrf || !transport.usesCookies) return null;
    throw new TokenOptionsError('csrf.secret', 'is required together with `keys` and cookies; give a secret of at least 32 bytes');
  }
  const key = deriveKey(own, 'nestjs-token/stateless-csrf/1', issuer, name);
  const signing = { kid: kidByteOf(key), key: createSecretKey(key) };
  return { signing, verifying: new Map([[signing.kid, signing]]) };
}

function ownCsrfSecret({ csrf }: TokenModuleOptions, { warnings }: CsrfContext): KeyObject | null {
  if (typeof csrf !== 'object' || csrf.secret === undefined) return null;
  const { key, warning } = readSecret('csrf.secret', csrf.secret);
  if (warning) warnings.push(warning);
  return key;
}
