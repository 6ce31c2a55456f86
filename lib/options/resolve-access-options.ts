import type { AccessOptions } from '../access-token/access.options.js';
import type { AccessTokenSettings } from '../access-token/access-token.service.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import { ACCESS } from './access.schema.js';
import { optionReader } from './option-reader.js';

interface Identity {
  readonly issuer: string;
  /** Undefined: the issuer. */
  readonly audience?: readonly string[] | undefined;
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
