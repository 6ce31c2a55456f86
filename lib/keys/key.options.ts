import type { JsonWebKey, KeyObject } from 'node:crypto';

/** Signature algorithms of access tokens (RFC 7518 §3.1). A key has exactly one. */
export type TokenAlgorithm =
  'HS256' | 'HS384' | 'HS512' | 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512';

/** A secret of at least 32 bytes: text (its UTF-8 bytes), bytes, or a secret `KeyObject`. */
export type TokenSecret = string | Buffer | KeyObject;

/** A key of the access-token key ring. */
export interface TokenKey {
  /** `kid` in the header of the tokens (RFC 7515 §4.1.4), 1 to 64 of `A–Z a–z 0–9 . _ -`. @defaultValue derived from the key */
  kid?: string;
  /** The one algorithm of this key. */
  algorithm: TokenAlgorithm;
  /**
   * HS: a secret as long as the hash (32, 48, 64 bytes). RS, PS: RSA of at least 2048 bits. ES: the curve of the algorithm.
   * PEM text, DER is refused; a `KeyObject` or a JWK (its `use`, `key_ops` and `alg` are honoured). To sign, the private key; to verify, the public one.
   */
  key: TokenSecret | JsonWebKey;
  /** Exactly one key of the ring signs (and verifies); the others only verify. */
  use: 'sign' | 'verify';
}
