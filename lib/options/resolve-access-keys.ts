import type { KeyObject } from 'node:crypto';
import { TokenOptionsError } from '../errors/token.errors.js';
import { readSecret } from '../keys/key-material.js';
import type { TokenKey } from '../keys/key.options.js';
import type { KeySupply } from '../keys/key-reloader.js';
import { KeyRing, keyRingFromSecret, readRingKeys } from '../keys/key-ring.js';
import type { Signer } from '../keys/signer.js';
import { requireList } from './known-keys.js';
import { moduleReader } from './module-reader.js';
import { KEY } from './module.schema.js';
import { optionReader } from './option-reader.js';
import type { TokenModuleOptions } from './token.options.js';

/** What the reading of keys depends on. */
export interface KeyContext {
  readonly issuer: string;
  /** The name of the module instance. */
  readonly name: string;
  /** Remarks for the log are added here. */
  readonly warnings: string[];
}

/** The keys of access tokens, resolved. */
export interface ResolvedAccessKeys {
  readonly ring: KeyRing;
  /** Reads the keys anew. Null if the option `keys` is no function, so that they never change. */
  readonly supply: KeySupply | null;
  /** Null if a key of the ring signs. */
  readonly signer: Signer | null;
}

/**
 * @param keys what the option `keys` is or returns.
 * @returns the keys, and the secret of the module, which is null with `keys`.
 * @throws {TokenOptionsError} naming the first option that is wrong.
 */
export function resolveAccessKeys(
  given: TokenModuleOptions,
  { issuer, name, warnings }: KeyContext,
  keys: unknown = given.keys,
): ResolvedAccessKeys & { readonly secret: KeyObject | null } {
  const signer = moduleReader(given)('signer') ?? null;
  if (keys !== undefined) {
    if (given.secret !== undefined) throw new TokenOptionsError('secret', 'given together with `keys`; give one of them');
    const read = readAccessKeys(keys, signer);
    warnings.push(...read.warnings);
    return { ring: new KeyRing(read.keys), supply: supplyOf(given.keys, signer), signer, secret: null };
  }
  if (signer) throw new TokenOptionsError('signer', "needs `keys` with its public key, which has use: 'verify'");
  const { key, warning } = readSecret('secret', given.secret);
  if (warning) warnings.push(warning);
  return { ring: keyRingFromSecret(key, issuer, name), supply: null, signer, secret: key };
}

function supplyOf(keys: TokenModuleOptions['keys'], signer: Signer | null): KeySupply | null {
  return typeof keys === 'function' ? async () => readAccessKeys(await keys(), signer) : null;
}

/** Checks and reads the keys, whether they were given or returned by a function. */
function readAccessKeys(keys: unknown, signer: Signer | null): ReturnType<typeof readRingKeys> {
  requireList('keys', keys, KEY);
  if (keys.length === 0) throw new TokenOptionsError('keys', 'is not a list of at least one key');
  for (const [index, given] of (keys as readonly TokenKey[]).entries()) {
    const key = optionReader({ group: `keys[${index}]`, schema: KEY, given });
    key('algorithm');
    key('use');
  }
  return readRingKeys(keys as readonly TokenKey[], signer);
}
