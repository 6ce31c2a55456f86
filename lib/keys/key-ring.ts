import type { KeyObject } from 'node:crypto';
import { createSecretKey } from 'node:crypto';
import { TokenOptionsError } from '../errors/token.errors.js';
import { kidOf } from './key-id.js';
import { deriveKey } from './key-material.js';
import type { TokenKey } from './key.options.js';
import type { VerificationKey } from './key-source.js';
import { KeySource } from './key-source.js';
import type { SigningKey } from './read-key.js';
import { readKey } from './read-key.js';
import type { Signer } from './signer.js';
import { TrustedKeys } from './trusted-keys.js';

/** The keys of a ring. */
export interface RingKeys {
  /** The key that signs, or null if a {@link Signer} of the application holds it. */
  readonly signing: SigningKey | null;
  readonly verifyOnly: readonly VerificationKey[];
}

/** The keys of one module instance by `kid`. They can be replaced while the application runs. */
export class KeyRing extends KeySource {
  private readonly trusted = new TrustedKeys();
  private own: SigningKey | null = null;
  /** The key that signs, as it is in the map. It has signed most of the tokens that are known, and is trusted without being looked up. */
  private usual: VerificationKey | undefined;

  constructor(keys: RingKeys) {
    super();
    this.replace(keys);
  }

  /**
   * The key that signs.
   * @throws {Error} if a {@link Signer} of the application holds it.
   */
  get signing(): SigningKey {
    if (!this.own) throw new Error('the keys of this ring only verify');
    return this.own;
  }

  /** Returns the key with this `kid`, or undefined. There is no other way to look up a key. */
  override find(kid: string): VerificationKey | undefined {
    return this.trusted.find(kid);
  }

  override trusts(key: VerificationKey): boolean {
    return key === this.usual || this.trusted.has(key);
  }

  override get all(): readonly VerificationKey[] {
    return this.trusted.all;
  }

  override retire(kid: string): void {
    if (kid === this.own?.kid) throw new RangeError('the signing key cannot be retired; make another key sign first');
    this.trusted.retire(kid);
  }

  /**
   * Replaces all keys at once. A key that stays keeps the tokens that it has verified before. A key that is gone is refused from now on,
   * and so is a key that was retired here.
   * @throws {TokenOptionsError} if the new signing key was retired here. Nothing has changed then.
   */
  replace({ signing, verifyOnly }: RingKeys): void {
    if (signing && this.trusted.wasRetired(signing)) {
      throw new TokenOptionsError('keys', `the key ${signing.kid} was retired on this node, so it cannot sign; make another key sign`);
    }
    this.trusted.replace([...(signing ? [signing] : []), ...verifyOnly]);
    this.own = signing;
    this.usual = signing ? this.trusted.find(signing.kid) : undefined;
  }
}

/** Makes the ring for the option `secret`, with one HS256 key. A named instance derives a key of its own (docs/decisions/0008). */
export function keyRingFromSecret(secret: KeyObject, issuer: string, realm: string): KeyRing {
  const key = realm === DEFAULT_NAME ? secret : createSecretKey(deriveKey(secret, 'nestjs-token/access/1', issuer, realm));
  return new KeyRing({ signing: { kid: kidOf(key), algorithm: 'HS256', key, signingKey: key }, verifyOnly: [] });
}

/** The name of the instance that was given no name. */
export const DEFAULT_NAME = 'default';

/**
 * Reads the keys of the option `keys`.
 * @param signer the signer of the application, or null if one of the keys signs.
 * @returns the keys, and remarks for the log.
 * @throws {TokenOptionsError} if a key is weak or does not fit its algorithm, if two keys have the same `kid`, if secrets and key pairs are
 * mixed, or if there is not exactly one signing key. With a signer no key signs, and one verifies what the signer signs.
 */
export function readRingKeys(keys: readonly TokenKey[], signer: Signer | null = null): { keys: RingKeys; warnings: string[] } {
  const warnings: string[] = [];
  const read = keys.map((key, index) => readKey(`keys[${index}]`, key, warnings));
  const signing = signingKeyOf(read, signer);
  if (new Set(read.map(({ key }) => key.type)).size > 1) {
    throw new TokenOptionsError(
      'keys',
      'secrets and key pairs are mixed; use one kind. Refresh tokens carry clients from one ring to another',
    );
  }
  const kids = read.map((key) => key.kid);
  const duplicate = kids.find((kid, index) => kids.indexOf(kid) !== index);
  if (duplicate !== undefined) throw new TokenOptionsError('keys', `two keys have the kid ${duplicate}`);
  return { keys: { signing, verifyOnly: read.filter((key) => key !== signing) }, warnings };
}

function signingKeyOf(read: readonly VerificationKey[], signer: Signer | null): SigningKey | null {
  const [signing, ...others] = read.filter((key): key is SigningKey => 'signingKey' in key);
  if (signer) {
    if (signing) throw new TokenOptionsError('keys', "no key has use: 'sign' together with `signer`, because the signer signs");
    requireKeyOf(signer, read);
    return null;
  }
  if (!signing || others.length > 0) throw new TokenOptionsError('keys', `exactly one key has use: 'sign', the others use: 'verify'`);
  return signing;
}

/** Checks that the ring verifies what a signer signs. */
function requireKeyOf({ kid, algorithm }: Signer, read: readonly VerificationKey[]): void {
  if (read.some((key) => key.kid === kid && key.algorithm === algorithm)) return;
  throw new TokenOptionsError('keys', `no key has the kid and the algorithm of the \`signer\`: give its public key with use: 'verify'`);
}
