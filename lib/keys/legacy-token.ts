import { createSecretKey } from 'node:crypto';
import { isCanonicalBase64url } from './encodings.js';
import { deriveKey } from './key-material.js';

/** The longest token of another system that is looked at, in characters. */
export const MAX_LEGACY_TOKEN_LENGTH = 16_384;

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
const OWN_REFRESH_TOKEN = /^ntr_/;
const OWN_TYPE = /^(application\/)?at\+jwt$/i;

/**
 * Tells whether a token may be one of another system, about which a hook is asked. Tokens of this package never are, whatever has become of
 * them: a revoked one must not be taken for a good one because the old system used the same secret. So a JWT of the type `at+jwt` is
 * refused here, and so is a text that begins like a refresh token. The header of a JWT is signed, so nobody can give our tokens another
 * type.
 *
 * A JWT must also be written canonically, and so must a JWE with its five segments. A signed JWT has a JSON object as its payload.
 * Otherwise one token would have several spellings, and each of them would be a token of its own here.
 */
export function mayBeLegacyToken(token: string): boolean {
  if (token.length > MAX_LEGACY_TOKEN_LENGTH || !VISIBLE_ASCII.test(token) || OWN_REFRESH_TOKEN.test(token)) return false;
  const segments = token.split('.');
  const [first = '', second = ''] = segments;
  const header = segments.length > 1 ? objectIn(first) : null;
  if (!header) return true;
  if (OWN_TYPE.test(String(header['typ']))) return false;
  return segments.every(isCanonicalBase64url) && (segments.length !== 3 || objectIn(second) !== null);
}

/**
 * Derives 128 bits from a token of another system. They are the same on every node and at any time. No key takes part, because a key can be
 * replaced (docs/decisions/0016).
 *
 * @param purpose what the bits are for, the issuer and the name of the instance.
 */
export function legacyDigest(token: string, ...purpose: readonly string[]): Buffer {
  return deriveKey(createSecretKey(Buffer.from(token, 'latin1')), 'nestjs-token/legacy/1', ...purpose).subarray(0, 16);
}

/** The JSON object that a segment of a JWT encodes, or null. Lenient, because what a hook accepts may be lenient too. */
function objectIn(segment: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(segment, 'base64url').toString());
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
