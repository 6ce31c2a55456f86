import type { KeyObject } from 'node:crypto';
import { constants, createHmac, sign } from 'node:crypto';
import type { TokenAlgorithm } from './key.options.js';
import type { SigningKey } from './key-ring.js';

/**
 * Port: signs access tokens. The default signs with the key of this process; another one can ask a key management service, so that the
 * private key never leaves it. Replace it with `overrideProvider(Signer)`.
 */
export abstract class Signer {
  /** `kid` of the key that signs, as it stands in the header of the tokens (RFC 7515 §4.1.4). */
  abstract readonly kid: string;
  /** The algorithm that it signs with (RFC 7518 §3.1). */
  abstract readonly algorithm: TokenAlgorithm;

  /**
   * Makes the signature of a token.
   * @param input the ASCII bytes of `header.payload` (RFC 7515 §5.1, step 5).
   * @returns the signature as RFC 7518 §3 describes it for the algorithm: for ECDSA the two integers one after the other, not DER.
   */
  abstract sign(input: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** Signs with a key that this process holds. */
export class LocalSigner extends Signer {
  readonly kid: string;
  readonly algorithm: TokenAlgorithm;
  readonly #key: KeyObject;

  constructor({ kid, algorithm, signingKey }: SigningKey) {
    super();
    this.kid = kid;
    this.algorithm = algorithm;
    this.#key = signingKey;
  }

  override sign(input: Uint8Array): Uint8Array {
    const hash = `sha${this.algorithm.slice(2)}`;
    if (this.algorithm.startsWith('HS')) return createHmac(hash, this.#key).update(input).digest();
    return sign(hash, input, this.keyAndEncoding());
  }

  /**
   * Returns the key and the form of the signature: PSS with a salt as long as the hash (RFC 7518 §3.5), and ECDSA as two integers (§3.4).
   */
  private keyAndEncoding(): Parameters<typeof sign>[2] {
    if (this.algorithm.startsWith('PS')) {
      return { key: this.#key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
    }
    return this.algorithm.startsWith('ES') ? { key: this.#key, dsaEncoding: 'ieee-p1363' } : this.#key;
  }
}
