import type { KeyObject } from 'node:crypto';
import type { AccessOptions } from '../access-token/access.options.js';
import type { AccessTokenSettings } from '../access-token/access-token.service.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import { readSecret } from '../keys/key-material.js';
import type { KeyRing } from '../keys/key-ring.js';
import { keyRingFromKeys, keyRingFromSecret } from '../keys/key-ring.js';
import { ACCESS } from './access.schema.js';
import { KEY } from './module.schema.js';
import { optionReader } from './option-reader.js';
import type { TokenModuleOptions } from './token.options.js';

interface Identity {
  readonly issuer: string;
  /** Undefined: the issuer. */
  readonly audience?: readonly string[] | undefined;
}

/** What keys depend on. */
export interface KeyContext {
  readonly issuer: string;
  /** The name of the module instance. */
  readonly name: string;
  /** Remarks for the log are added here. */
  readonly warnings: string[];
}

/** @throws {TokenOptionsError} naming the first option that is wrong. */
export function resolveAccessKeys(
  { secret, keys }: TokenModuleOptions,
  { issuer, name, warnings }: KeyContext,
): { ring: KeyRing; /** Null with `keys`. */ secret: KeyObject | null } {
  if (keys !== undefined && secret !== undefined) throw new TokenOptionsError('secret', 'given together with `keys`; give one of them');
  if (keys !== undefined) {
    if (keys.length === 0) throw new TokenOptionsError('keys', 'is not a list of at least one key');
    const { ring, warnings: remarks } = keyRingFromKeys(keys);
    warnings.push(...remarks);
    return { ring, secret: null };
  }
  const { key, warning } = readSecret('secret', secret);
  if (warning) warnings.push(warning);
  return { ring: keyRingFromSecret(key, issuer, name), secret: key };
}

/** Checks what every key of the access tokens says of itself. @throws {TokenOptionsError} naming the first option that is wrong. */
export function requireKeyKinds(keys: TokenModuleOptions['keys'] = []): void {
  for (const [index, given] of keys.entries()) {
    const key = optionReader({ group: `keys[${index}]`, schema: KEY, given });
    key('algorithm');
    key('use');
  }
}

/** @throws {TokenOptionsError} naming the first option that is wrong. */
export function resolveAccessOptions(given: AccessOptions = {}, { issuer, audience = [issuer] }: Identity): AccessTokenSettings {
  if (audience.length === 0) throw new TokenOptionsError('audience', 'is an empty list; leave it out to use the issuer');
  const access = optionReader({ group: 'access', schema: ACCESS, given });
  const lifetimeMs = access('lifetime');
  const maxLifetimeMs = access('maxLifetime') ?? lifetimeMs;
  if (maxLifetimeMs < lifetimeMs) throw new TokenOptionsError('access.maxLifetime', 'is below access.lifetime; raise it or leave it out');
  const [jitter, leewayMs] = [access('jitter'), access('leeway')];
  return { issuer, audience: Object.freeze(audience), lifetimeMs, maxLifetimeMs, jitter, leewayMs, cacheMax: cacheMax(given.cache) };
}

function cacheMax(given: AccessOptions['cache']): number | null {
  return given === false ? null : optionReader({ group: 'access.cache', schema: ACCESS.cache.options, given })('max');
}
