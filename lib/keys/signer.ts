import { constants, createHmac, sign } from 'node:crypto';
import type { TokenAlgorithm } from './key.options.js';
import type { SigningKey } from './read-key.js';

/**
 * Port: signs access tokens. By default the key of this process signs. Give the option `signer` to have a key management service sign, so
 * that the private key never leaves it. Tests replace it with `overrideProvider(Signer)`.
 *
 * `kid` and `algorithm` are read for each token, right before {@link sign} is called. So a signer may change to another key at any time,
 * once the public key of that one is in `keys` on every node.
 *
 * @example
 * ```ts
 * class KmsSigner extends Signer {
 *   readonly kid = 'access-tokens-2026';
 *   readonly algorithm = 'PS256';
 *
 *   async sign(input: Uint8Array): Promise<Uint8Array> {
 *     const { Signature } = await kms.sign({
 *       KeyId: `alias/${this.kid}`,
 *       Message: input,
 *       MessageType: 'RAW',
 *       SigningAlgorithm: 'RSASSA_PSS_SHA_256',
 *     });
 *     return Signature;
 *   }
 * }
 * ```
 */
export abstract class Signer {
  /** `kid` of the key that signs, as it stands in the header of the tokens (RFC 7515 §4.1.4). */
  abstract readonly kid: string;
  /** The algorithm that it signs with (RFC 7518 §3.1). */
  abstract readonly algorithm: TokenAlgorithm;

  /**
   * Makes the signature of a token. If it throws or rejects, the response is 503 `signer_unavailable`, and nobody is signed out. It should
   * give up after a few seconds, because the request waits for it.
   * @param input the ASCII bytes of `header.payload` (RFC 7515 §5.1, step 5).
   * @returns the signature as RFC 7518 §3 describes it for the algorithm: for ECDSA the two integers one after the other, not DER.
   */
  abstract sign(input: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** Signs with the key of a ring that signs at present. */
export class LocalSigner extends Signer {
  constructor(private readonly ring: { readonly signing: SigningKey }) {
    super();
  }

  override get kid(): string {
    return this.ring.signing.kid;
  }

  override get algorithm(): TokenAlgorithm {
    return this.ring.signing.algorithm;
  }

  override sign(input: Uint8Array): Uint8Array {
    const { algorithm, signingKey } = this.ring.signing;
    if (algorithm === 'EdDSA') return sign(null, input, signingKey);
    const hash = `sha${algorithm.slice(2)}`;
    if (algorithm.startsWith('HS')) return createHmac(hash, signingKey).update(input).digest();
    return sign(hash, input, keyAndEncoding(this.ring.signing));
  }
}

/** Returns the key and the form of the signature: PSS with a salt as long as the hash (RFC 7518 §3.5), and ECDSA as two integers (§3.4). */
function keyAndEncoding({ algorithm, signingKey: key }: SigningKey): Parameters<typeof sign>[2] {
  if (algorithm.startsWith('PS')) return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
  return algorithm.startsWith('ES') ? { key, dsaEncoding: 'ieee-p1363' } : key;
}
