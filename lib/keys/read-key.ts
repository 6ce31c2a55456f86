import type { KeyObject } from 'node:crypto';
import { createPublicKey } from 'node:crypto';
import { TokenOptionsError } from '../errors/token.errors.js';
import { isIdentifier } from '../text.js';
import { kidOf } from './key-id.js';
import { readAsymmetricKey, readSecret } from './key-material.js';
import type { TokenAlgorithm, TokenKey } from './key.options.js';
import type { VerificationKey } from './key-source.js';
import { hasRocaFingerprint } from './roca.js';
import { hasSmallOrder } from './small-order.js';

/** The key that signs. It verifies too, as every {@link VerificationKey} does. */
export interface SigningKey extends VerificationKey {
  readonly signingKey: KeyObject;
}

const HASH_BYTES = { HS256: 32, HS384: 48, HS512: 64 } as const;
const CURVES = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' } as const;
const MIN_RSA_BITS = 2_048;
const MIN_RSA_EXPONENT = 65_537n;

/**
 * Reads and checks one key.
 *
 * @param option path of the key, for the message.
 * @param warnings remarks for the log are added here.
 * @throws {TokenOptionsError} if the key cannot be read, is weak, or does not fit its algorithm or its use.
 */
export function readKey(option: string, given: TokenKey, warnings: string[]): VerificationKey | SigningKey {
  if (given.kid !== undefined && !isIdentifier(given.kid)) {
    throw new TokenOptionsError(`${option}.kid`, 'is not 1 to 64 characters of A–Z a–z 0–9 . _ -');
  }
  requireJwkPurpose(`${option}.key`, given);
  const signingKey =
    given.algorithm in HASH_BYTES ? readHmacKey(option, given, warnings) : readAsymmetricKey(`${option}.key`, given.key, given.use);
  if (signingKey.type !== 'secret') requireFit(`${option}.key`, given.algorithm, signingKey);
  const key = signingKey.type === 'private' ? createPublicKey(signingKey) : signingKey;
  requireSound(`${option}.key`, key);
  const verification = { kid: given.kid ?? kidOf(key), algorithm: given.algorithm, key };
  return given.use === 'sign' ? { ...verification, signingKey } : verification;
}

function readHmacKey(option: string, given: TokenKey, warnings: string[]): KeyObject {
  const { key: material } = given;
  const isJwk = typeof material === 'object' && 'kty' in material;
  const bytes = isJwk && material.kty === 'oct' ? Buffer.from(typeof material.k === 'string' ? material.k : '', 'base64url') : material;
  const { key, warning } = readSecret(`${option}.key`, bytes, HASH_BYTES[given.algorithm as keyof typeof HASH_BYTES]);
  if (warning) warnings.push(warning);
  return key;
}

/** Checks that the members `use`, `key_ops` and `alg` of a JWK (RFC 7517 §4) allow what the key is meant for. */
function requireJwkPurpose(option: string, { key, use, algorithm }: TokenKey): void {
  if (typeof key !== 'object' || !('kty' in key)) return;
  const { use: jwkUse, key_ops: operations, alg } = key as { use?: string; key_ops?: string[]; alg?: string };
  if (jwkUse !== undefined && jwkUse !== 'sig') throw new TokenOptionsError(option, `the JWK has use '${jwkUse}', not 'sig'`);
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes(use)))
    throw new TokenOptionsError(option, `the JWK's key_ops lack '${use}'`);
  if (alg !== undefined && alg !== algorithm) throw new TokenOptionsError(option, `the JWK is for '${alg}', not ${algorithm}`);
}

/** Checks that an asymmetric key is of the kind that its algorithm takes, and large enough. */
function requireFit(option: string, algorithm: TokenAlgorithm, key: KeyObject): void {
  const { modulusLength = 0, publicExponent = 0n, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (algorithm === 'EdDSA') {
    if (key.asymmetricKeyType !== 'ed25519') throw new TokenOptionsError(option, 'EdDSA takes an Ed25519 key');
  } else if (algorithm in CURVES) {
    const curve = CURVES[algorithm as keyof typeof CURVES];
    if (key.asymmetricKeyType !== 'ec' || namedCurve !== curve)
      throw new TokenOptionsError(option, `${algorithm} takes an EC key on ${curve}`);
  } else if (key.asymmetricKeyType !== 'rsa' || modulusLength < MIN_RSA_BITS || publicExponent < MIN_RSA_EXPONENT) {
    throw new TokenOptionsError(
      option,
      `${algorithm} takes an RSA key of at least ${MIN_RSA_BITS} bits with an exponent of at least 65537`,
    );
  }
}

/** Checks that a key is not one of those that fit and yet protect nothing. */
function requireSound(option: string, key: KeyObject): void {
  if (key.asymmetricKeyType === 'rsa' && hasRocaFingerprint(key)) {
    throw new TokenOptionsError(option, 'was made by a flawed chip and can be factored (ROCA, CVE-2017-15361); make a new key elsewhere');
  }
  if (key.asymmetricKeyType === 'ed25519' && hasSmallOrder(key)) {
    throw new TokenOptionsError(option, 'is a point of small order, for which anyone can make signatures; make a new key');
  }
}
