import type { JsonWebKey, KeyObject } from 'node:crypto';
import { createHash } from 'node:crypto';
import { deriveKey } from './key-material.js';

/** The members that make up the thumbprint of a key, by `kty`, in the order of RFC 7638 §3.2 and RFC 8037 §2. */
const REQUIRED_MEMBERS: Readonly<Record<string, readonly (keyof JsonWebKey)[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
};

/**
 * Returns the `kid` of a key that was given none. For a public key it is the thumbprint of RFC 7638 with SHA-256, which every library
 * computes alike. For a secret it is eight bytes that are derived from it, because a hash of the secret itself would help to guess it.
 */
export function kidOf(key: KeyObject): string {
  return key.type === 'secret' ? deriveKey(key, 'nestjs-token/kid/1').subarray(0, 8).toString('base64url') : thumbprintOf(key);
}

/** Returns the thumbprint of a public key (RFC 7638 §3): 43 characters of base64url. */
function thumbprintOf(key: KeyObject): string {
  const jwk = key.export({ format: 'jwk' });
  const members = (REQUIRED_MEMBERS[jwk.kty ?? ''] ?? []).map((name) => [name, jwk[name]] as const);
  return createHash('sha256')
    .update(JSON.stringify(Object.fromEntries(members)))
    .digest('base64url');
}
