import type { KeyObject } from 'node:crypto';
import { createSecretKey } from 'node:crypto';
import { TokenOptionsError } from '../errors/token.errors.js';
import { deriveKey, kidByteOf, readSecret } from '../keys/key-material.js';
import type { DerivedKey, DerivedKeyRing } from '../keys/derived-keys.js';
import type { RefreshKey, RefreshOptions } from '../session/refresh.options.js';
import { optionReader } from './option-reader.js';
import { REFRESH_KEY } from './refresh.schema.js';
import type { KeyContext } from './resolve-access-keys.js';

/** What the refresh keys depend on. */
export interface RefreshKeyContext extends KeyContext {
  /** The secret of the module. Null with `keys`. */
  readonly secret: KeyObject | null;
}

/** @throws {TokenOptionsError} naming the first option that is wrong. */
export function resolveRefreshKeys({ secret, keys }: RefreshOptions, context: RefreshKeyContext): DerivedKeyRing {
  if (keys !== undefined && secret !== undefined) {
    throw new TokenOptionsError('refresh.secret', 'given together with `refresh.keys`; give one of them');
  }
  if (keys !== undefined) return readRefreshKeys(keys, context);
  if (secret === undefined && !context.secret) {
    throw new TokenOptionsError('refresh.secret', 'is required together with `keys`; give a secret of at least 32 bytes');
  }
  const own = secret === undefined && context.secret ? context.secret : checkedSecret('refresh.secret', secret, context);
  const signing = derivedKey(own, context);
  return { signing, verifying: new Map([[signing.kid, signing]]) };
}

function readRefreshKeys(keys: readonly RefreshKey[], context: RefreshKeyContext): DerivedKeyRing {
  if (keys.length === 0) throw new TokenOptionsError('refresh.keys', 'is not a list of at least one key');
  const read = keys.map((given, index) => readRefreshKey(`refresh.keys[${index}]`, given, context));
  const [signing, ...others] = read.filter(({ use }) => use === 'sign').map(({ derived }) => derived);
  if (!signing || others.length > 0) {
    throw new TokenOptionsError('refresh.keys', "exactly one key has use: 'sign', the others use: 'verify'");
  }
  const verifying = new Map(read.map(({ derived }) => [derived.kid, derived]));
  if (verifying.size < read.length) {
    throw new TokenOptionsError('refresh.keys', 'two keys have the same kid; give each a kid of its own, 0 to 255');
  }
  return { signing, verifying };
}

function readRefreshKey(
  group: string,
  given: RefreshKey,
  context: RefreshKeyContext,
): { readonly use: RefreshKey['use']; readonly derived: DerivedKey } {
  const key = optionReader({ group, schema: REFRESH_KEY, given });
  const [kid, use] = [key('kid'), key('use')];
  return { use, derived: derivedKey(checkedSecret(`${group}.secret`, given.secret, context), context, kid) };
}

function checkedSecret(option: string, secret: unknown, { warnings }: RefreshKeyContext): KeyObject {
  const { key, warning } = readSecret(option, secret);
  if (warning) warnings.push(warning);
  return key;
}

/**
 * Issuer and instance name take part in the derivation, so that instances that share a secret do not accept each other's tokens
 * (docs/rotation.md §1).
 */
function derivedKey(secret: KeyObject, { issuer, name }: RefreshKeyContext, kid?: number): DerivedKey {
  const key = deriveKey(secret, 'nestjs-token/refresh/1', issuer, name);
  return { kid: kid ?? kidByteOf(key), key: createSecretKey(key) };
}

/** Derives the keys of CSRF tokens from those of the refresh ring, so that both are rotated together. */
export function resolveCsrfKeys(ring: DerivedKeyRing, { issuer, name }: Pick<KeyContext, 'issuer' | 'name'>): DerivedKeyRing {
  const derive = ({ kid, key }: DerivedKey): DerivedKey => ({
    kid,
    key: createSecretKey(deriveKey(key, 'nestjs-token/csrf/1', issuer, name)),
  });
  return { signing: derive(ring.signing), verifying: new Map([...ring.verifying].map(([kid, key]) => [kid, derive(key)])) };
}
