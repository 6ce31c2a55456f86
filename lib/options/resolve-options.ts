import type { KeyObject } from 'node:crypto';
import type { KeyRing } from '../keys/key-ring.js';
import { keyRingFromKeys, keyRingFromSecret } from '../keys/key-ring.js';
import type { VerificationSettings } from '../access-token/access-token.verifier.js';
import type { IssuingSettings } from '../access-token/access-token.issuer.js';
import { readSecret } from '../keys/key-material.js';
import { DAY, headerName, integerIn, MINUTE, numberIn, oneOf, schemeName, SECOND, span, text, wholeSeconds } from './option-checks.js';
import { requireKnownKeys, requireShape } from './option-keys.js';
import type { ResolvedRefreshOptions } from './resolve-refresh-options.js';
import { resolveRefreshOptions } from './resolve-refresh-options.js';
import type { RevocationPush } from '../revocation/revocation-push.js';
import type { StorePatience } from '../session/token-repository.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import type { HeaderOptions } from '../transport/header.options.js';
import type { TokenModuleOptions } from './token.options.js';

/** Every option, checked, with its default, in milliseconds and key objects: all that the rest of the package gets to see. */
export interface ResolvedTokenOptions {
  readonly access: IssuingSettings &
    VerificationSettings & { readonly ring: KeyRing; /** null: no cache. */ readonly cacheMax: number | null };
  readonly refresh: ResolvedRefreshOptions;
  /** Header names in lower case. */
  readonly header: Readonly<Required<HeaderOptions>>;
  readonly hooks: Readonly<Pick<TokenModuleOptions, 'loadUser' | 'claims' | 'onEvent' | 'errorBody'>>;
  /** Milliseconds. */
  readonly hookTimeoutMs: number;
  readonly revocation: 'poll' | 'strict' | 'off';
  /** null: revocations come with the poll. */
  readonly push: RevocationPush | null;
  readonly patience: StorePatience;
  /** Milliseconds, or null: no janitor. */
  readonly janitorMs: number | null;
  /** Doubtful but allowed: for the log at start-up. */
  readonly warnings: readonly string[];
}

const DEFAULTS = {
  access: { lifetime: '15m', jitter: 0.1, leeway: '5s', cacheMax: 10_000 },
  header: { access: 'Authorization', refresh: 'X-Refresh-Token', expiresIn: 'X-Access-Token-Expires-In', scheme: 'Bearer' },
  janitor: '10m',
  storeTimeout: '2s',
  hookTimeout: '5s',
} as const;

/**
 * The one place with defaults and validation.
 * @param realm name of the module instance.
 * @throws {TokenOptionsError} naming the first option that is wrong, and how to mend it. No message holds a secret.
 */
export function resolveTokenOptions(given: TokenModuleOptions, realm: string): ResolvedTokenOptions {
  requireKnownKeys(given);
  const warnings: string[] = [];
  const issuer = text('issuer', given.issuer);
  const { ring, secret } = resolveAccessKeys(given, { issuer, realm, warnings });
  const access = resolveAccess(given, issuer);
  const refresh = resolveRefreshOptions(given, { issuer, realm, secret, access, warnings });
  return Object.freeze({
    access: Object.freeze({ ...access, ring }),
    refresh: Object.freeze(refresh),
    header: Object.freeze(resolveHeader(given.header ?? {})),
    hooks: Object.freeze(resolveHooks(given)),
    hookTimeoutMs: span('hookTimeout', given.hookTimeout ?? DEFAULTS.hookTimeout, { min: 100, max: 30 * SECOND }),
    revocation: oneOf('revocation', given.revocation ?? 'poll', ['poll', 'strict', 'off']),
    push: resolvePush(given, warnings),
    patience: Object.freeze(resolvePatience(given, refresh.rules.graceMs)),
    janitorMs:
      given.janitor === false ? null : span('janitor.interval', given.janitor?.interval ?? DEFAULTS.janitor, { min: SECOND, max: DAY }),
    warnings: Object.freeze(warnings),
  });
}

/** docs/rotation.md §3: a statement that has waited carries an old instant, so the server bounds its wait by G/4 too. */
function resolvePatience({ storeTimeout = DEFAULTS.storeTimeout }: TokenModuleOptions, graceMs: number): StorePatience {
  const timeoutMs = span('storeTimeout', storeTimeout, { min: 100, max: 30 * SECOND });
  return { timeoutMs, lockTimeoutMs: Math.max(1, Math.floor(Math.min(timeoutMs, graceMs / 4))) };
}

/** Not `instanceof`: an application may have been given two copies of this package. */
function resolvePush({ push, revocation = 'poll' }: TokenModuleOptions, warnings: string[]): RevocationPush | null {
  if (push === undefined) return null;
  const verbs = ['announce', 'listen', 'close'] as const;
  const isPush = typeof push === 'object' && verbs.every((verb) => typeof push[verb] === 'function');
  requireShape('push', isPush, `a RevocationPush, an object with ${verbs.join(', ')}`);
  if (revocation !== 'poll') warnings.push(`push: does nothing with revocation: '${revocation}'`);
  return push;
}

interface Context {
  readonly issuer: string;
  readonly realm: string;
  readonly warnings: string[];
}

function resolveAccessKeys(
  { secret, keys }: TokenModuleOptions,
  { issuer, realm, warnings }: Context,
): { ring: KeyRing; secret: KeyObject | null } {
  if (keys !== undefined && secret !== undefined) throw new TokenOptionsError('secret', 'given together with `keys`; give one of them');
  if (keys !== undefined) {
    if (keys.length === 0) throw new TokenOptionsError('keys', 'is not a list of at least one key');
    const { ring, warnings: remarks } = keyRingFromKeys(keys);
    warnings.push(...remarks);
    return { ring, secret: null };
  }
  const { key, warning } = readSecret('secret', secret);
  if (warning) warnings.push(warning);
  return { ring: keyRingFromSecret(key, issuer, realm), secret: key };
}

function resolveAccess({ access = {}, audience }: TokenModuleOptions, issuer: string): Omit<ResolvedTokenOptions['access'], 'ring'> {
  const lifetimeMs = wholeSeconds('access.lifetime', access.lifetime ?? DEFAULTS.access.lifetime);
  const maxLifetimeMs = wholeSeconds('access.maxLifetime', access.maxLifetime ?? lifetimeMs / SECOND);
  if (maxLifetimeMs < lifetimeMs) throw new TokenOptionsError('access.maxLifetime', 'is below access.lifetime; raise it or leave it out');
  const audiences = audience === undefined ? [issuer] : [audience].flat();
  if (audiences.length === 0) throw new TokenOptionsError('audience', 'is an empty list; leave it out to use the issuer');
  return {
    issuer,
    audience: Object.freeze(audiences.map((one) => text('audience', one))),
    lifetimeMs,
    maxLifetimeMs,
    jitter: numberIn('access.jitter', access.jitter ?? DEFAULTS.access.jitter, { min: 0, max: 0.5 }),
    leewayMs: span('access.leeway', access.leeway ?? DEFAULTS.access.leeway, { min: 0, max: 5 * MINUTE }),
    cacheMax:
      access.cache === false
        ? null
        : integerIn('access.cache.max', access.cache?.max ?? DEFAULTS.access.cacheMax, { min: 16, max: 1_000_000 }),
  };
}

function resolveHeader(given: HeaderOptions): Required<HeaderOptions> {
  const { access, refresh, expiresIn } = { ...DEFAULTS.header, ...given };
  const scheme = given.scheme ?? DEFAULTS.header.scheme;
  const names = Object.entries({ access, refresh, expiresIn }).map(
    ([option, name]) => [option, headerName(`header.${option}`, name)] as const,
  );
  const duplicate = names.find(([, name], index) => names.findIndex(([, other]) => other.toLowerCase() === name.toLowerCase()) !== index);
  if (duplicate) throw new TokenOptionsError(`header.${duplicate[0]}`, 'is the name of another token header too');
  if (scheme !== '') schemeName('header.scheme', scheme);
  return { access, refresh, expiresIn, scheme };
}

function resolveHooks({ loadUser, claims, onEvent, errorBody }: TokenModuleOptions): ResolvedTokenOptions['hooks'] {
  for (const [option, hook] of Object.entries({ loadUser, claims, onEvent, errorBody })) {
    requireShape(option, hook === undefined || typeof hook === 'function', 'a function');
  }
  return { ...(loadUser && { loadUser }), ...(claims && { claims }), ...(onEvent && { onEvent }), ...(errorBody && { errorBody }) };
}
