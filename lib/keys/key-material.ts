import { createHash, createPrivateKey, createPublicKey, createSecretKey, hkdfSync, KeyObject } from 'node:crypto';
import type { JsonWebKey } from 'node:crypto';
import { TokenOptionsError } from '../errors/token.errors.js';
import { isForeignKey } from './foreign-keys.js';
import type { TokenSecret } from './key.options.js';
import { lengthPrefixed } from './length-prefixed.js';
import { isSampleSecret } from './sample-secrets.js';

/** The smallest number of bytes of a secret (RFC 7518 §3.2 for HS256). */
export const MIN_SECRET_BYTES = 32;
const FEWEST_DISTINCT_BYTES = 8;
const MANY_DISTINCT_BYTES = 20;
const PLACEHOLDER = /^(undefined|null|NaN|\[object \w+\])$|(.)\2{15}|changeme|change[-_ ]me|your[-_ ].*(secret|key)|supersecret|password/i;
const HOW_TO_MAKE_ONE = 'make one with: node -p "crypto.randomBytes(48).toString(\'base64url\')"';

/** A secret as key material, with a remark about its quality. */
export interface CheckedSecret {
  readonly key: KeyObject;
  /** A remark for the log, or null. */
  readonly warning: string | null;
}

/**
 * Checks a secret and reads it as key material. Key material of another kind is refused in every encoding, because an asymmetric key must
 * never be used as an HMAC secret (CVE-2022-23541).
 *
 * @param option path of the option, for the message.
 * @throws {TokenOptionsError} if the secret is missing, too short, a placeholder, or a key of another kind.
 */
export function readSecret(option: string, secret: unknown, minBytes = MIN_SECRET_BYTES): CheckedSecret {
  if (secret === undefined || secret === null || secret === '') {
    throw new TokenOptionsError(
      option,
      `is ${secret === '' ? 'empty' : String(secret)}: is the environment variable set? ${HOW_TO_MAKE_ONE}`,
    );
  }
  const bytes = secretBytes(option, secret);
  if (bytes.length < minBytes) {
    throw new TokenOptionsError(option, `has ${bytes.length} bytes, needs at least ${minBytes}; ${HOW_TO_MAKE_ONE}`);
  }
  return { key: createSecretKey(bytes), warning: judgeEntropy(option, bytes) };
}

function secretBytes(option: string, secret: unknown): Buffer {
  if (secret instanceof KeyObject && secret.type !== 'secret') {
    throw new TokenOptionsError(option, `is an asymmetric key; give it in \`keys\` with its algorithm`);
  }
  const given = secret instanceof KeyObject ? secret.export() : secret;
  if (typeof given !== 'string' && !Buffer.isBuffer(given)) {
    throw new TokenOptionsError(option, 'is neither text, a Buffer nor a KeyObject');
  }
  const bytes = Buffer.from(given);
  if (isForeignKey(bytes)) {
    throw new TokenOptionsError(
      option,
      'looks like a PEM, DER, JWK or SSH key, a certificate or a token; if it is a key, give it in `keys` with its algorithm',
    );
  }
  return bytes;
}

function judgeEntropy(option: string, bytes: Buffer): string | null {
  const text = bytes.toString('latin1');
  const distinct = new Set(bytes).size;
  if (PLACEHOLDER.test(text) || distinct < FEWEST_DISTINCT_BYTES || isSampleSecret(bytes)) {
    throw new TokenOptionsError(option, `can be guessed; ${HOW_TO_MAKE_ONE}`);
  }
  const isHex = /^[0-9a-f]{64,}$/i.test(text);
  return distinct < MANY_DISTINCT_BYTES && !isHex ? `${option} has only ${distinct} distinct bytes; ${HOW_TO_MAKE_ONE}` : null;
}

/** Derives 256 bits from a secret with HKDF-SHA256 (RFC 5869). Every combination of purpose, issuer and instance name gives another key. */
export function deriveKey(secret: KeyObject, ...purpose: readonly string[]): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), Buffer.concat(purpose.map(lengthPrefixed)), 32));
}

/**
 * Checks and reads an asymmetric key of the ring.
 * @throws {TokenOptionsError} if the key cannot be read, or if it is private and should be public, or the other way round.
 */
export function readAsymmetricKey(option: string, key: TokenSecret | JsonWebKey, use: 'sign' | 'verify'): KeyObject {
  const read = key instanceof KeyObject ? key : parseAsymmetricKey(option, key);
  const wanted = use === 'sign' ? 'private' : 'public';
  if (read.type !== wanted) {
    throw new TokenOptionsError(option, `is a ${read.type} key; use: '${use}' takes the ${wanted} one`);
  }
  return read;
}

function parseAsymmetricKey(option: string, key: string | Buffer | JsonWebKey): KeyObject {
  const isJwk = typeof key === 'object' && !Buffer.isBuffer(key);
  const text = isJwk ? '' : String(key);
  try {
    if (isJwk) return 'd' in key ? createPrivateKey({ key, format: 'jwk' }) : createPublicKey({ key, format: 'jwk' });
    if (!/^-----BEGIN [A-Z ]+-----\r?\n/.test(text)) throw new Error('not PEM');
    return text.includes('PRIVATE KEY') ? createPrivateKey(text) : createPublicKey(text);
  } catch {
    // The error has no cause, because the message of OpenSSL may quote the input.
    throw new TokenOptionsError(option, 'cannot be read; give PEM text with real line breaks (not a literal \\n), a KeyObject or a JWK');
  }
}

/**
 * Returns the first byte of the SHA-256 hash of a derived key. As a `kid`, it does not change when the keys are listed in another order.
 */
export function kidByteOf(key: Buffer): number {
  return createHash('sha256').update(key).digest().readUInt8(0);
}
