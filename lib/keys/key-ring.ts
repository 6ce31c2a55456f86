import { createHash, createPublicKey, createSecretKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { deriveKey, readAsymmetricKey, readSecret } from './key-material.js';
import { hasRocaFingerprint } from './roca.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import { isIdentifier } from '../text.js';
import type { TokenAlgorithm, TokenKey } from './key.options.js';
import type { VerificationKey } from './key-source.js';
import { KeySource } from './key-source.js';

/** The key that signs. It verifies too, as every {@link VerificationKey} does. */
export interface SigningKey extends VerificationKey {
  readonly signingKey: KeyObject;
}

/** The keys of one module instance by `kid`. A key can be retired, but no key can be added while the application runs. */
export class KeyRing extends KeySource {
  private readonly keys: Map<string, VerificationKey>;
  private readonly retired = new Set<VerificationKey>();

  constructor(
    readonly signing: SigningKey,
    verifyOnly: readonly VerificationKey[],
  ) {
    super();
    this.keys = new Map([signing, ...verifyOnly].map((key) => [key.kid, key]));
  }

  /** Returns the key with this `kid`, or undefined. There is no other way to look up a key. */
  override find(kid: string): VerificationKey | undefined {
    return this.keys.get(kid);
  }

  override trusts(key: VerificationKey): boolean {
    return this.retired.size === 0 || !this.retired.has(key);
  }

  /** Every key that verifies. */
  get all(): readonly VerificationKey[] {
    return [...this.keys.values()];
  }

  /**
   * Refuses a key from now on. Tokens that it has signed are refused even if they were verified before.
   * @throws {RangeError} if it is the signing key.
   */
  override retire(kid: string): void {
    if (kid === this.signing.kid) throw new RangeError('the signing key cannot be retired; make another key sign first');
    const key = this.keys.get(kid);
    if (key) this.retired.add(key);
    this.keys.delete(kid);
  }
}

const HASH_BYTES = { HS256: 32, HS384: 48, HS512: 64 } as const;
const CURVES = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' } as const;
const MIN_RSA_BITS = 2_048;
const MIN_RSA_EXPONENT = 65_537n;

/** Makes the ring for the option `secret`, with one HS256 key. A named instance derives a key of its own (docs/decisions/0008). */
export function keyRingFromSecret(secret: KeyObject, issuer: string, realm: string): KeyRing {
  const key = realm === DEFAULT_NAME ? secret : createSecretKey(deriveKey(secret, 'nestjs-token/access/1', issuer, realm));
  return new KeyRing({ kid: kidOf(key), algorithm: 'HS256', key, signingKey: key }, []);
}

/** The name of the instance that was given no name. */
export const DEFAULT_NAME = 'default';

/**
 * Makes the ring for the option `keys`.
 * @returns the ring, and remarks for the log.
 * @throws {TokenOptionsError} if a key is weak or does not fit its algorithm, if two keys have the same `kid`, if secrets and key pairs are
 * mixed, or if there is not exactly one signing key.
 */
export function keyRingFromKeys(keys: readonly TokenKey[]): { ring: KeyRing; warnings: string[] } {
  const warnings: string[] = [];
  const read = keys.map((key, index) => readKey(`keys[${index}]`, key, warnings));
  const [signing, ...others] = read.filter((key): key is SigningKey => 'signingKey' in key);
  if (!signing || others.length > 0) {
    throw new TokenOptionsError('keys', `exactly one key has use: 'sign', the others use: 'verify'`);
  }
  if (new Set(read.map(({ key }) => key.type)).size > 1) {
    throw new TokenOptionsError(
      'keys',
      'secrets and key pairs are mixed; use one kind. Refresh tokens carry clients from one ring to another',
    );
  }
  const kids = read.map((key) => key.kid);
  const duplicate = kids.find((kid, index) => kids.indexOf(kid) !== index);
  if (duplicate !== undefined) throw new TokenOptionsError('keys', `two keys have the kid ${duplicate}`);
  return {
    ring: new KeyRing(
      signing,
      read.filter((key) => key !== signing),
    ),
    warnings,
  };
}

function readKey(option: string, given: TokenKey, warnings: string[]): VerificationKey | SigningKey {
  if (given.kid !== undefined && !isIdentifier(given.kid)) {
    throw new TokenOptionsError(`${option}.kid`, 'is not 1 to 64 characters of A–Z a–z 0–9 . _ -');
  }
  requireJwkPurpose(`${option}.key`, given);
  const signingKey =
    given.algorithm in HASH_BYTES ? readHmacKey(option, given, warnings) : readAsymmetricKey(`${option}.key`, given.key, given.use);
  if (signingKey.type !== 'secret') requireStrength(`${option}.key`, given.algorithm, signingKey);
  const key = signingKey.type === 'private' ? createPublicKey(signingKey) : signingKey;
  if (key.asymmetricKeyType === 'rsa' && hasRocaFingerprint(key)) {
    throw new TokenOptionsError(
      `${option}.key`,
      'was made by a flawed chip and can be factored (ROCA, CVE-2017-15361); make a new key elsewhere',
    );
  }
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

function requireStrength(option: string, algorithm: TokenAlgorithm, key: KeyObject): void {
  const { modulusLength = 0, publicExponent = 0n, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (algorithm in CURVES) {
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

/** Derives a `kid` of eight bytes from a key. It does not reveal anything about a secret. */
function kidOf(key: KeyObject): string {
  const digest =
    key.type === 'secret'
      ? deriveKey(key, 'nestjs-token/kid/1')
      : createHash('sha256')
          .update(key.export({ format: 'der', type: 'spki' }))
          .digest();
  return digest.subarray(0, 8).toString('base64url');
}
