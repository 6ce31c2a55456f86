import type { JsonWebKey, KeyObject } from 'node:crypto';

/** Signature algorithms of access tokens (RFC 7518 §3.1, and RFC 8037 §3.1 for `EdDSA`). A key has exactly one. */
export type TokenAlgorithm =
  'HS256' | 'HS384' | 'HS512' | 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512' | 'EdDSA';

/** A secret of at least 32 bytes: text, of which the UTF-8 bytes count, a `Buffer`, or a secret `KeyObject`. */
export type TokenSecret = string | Buffer | KeyObject;

/** A key of the access tokens. To replace a key, first deploy the new one to every node as `verify`, then make it `sign`. */
export interface TokenKey {
  /**
   * Name of the key, which each token carries in its header (RFC 7515 §4.1.4). 1 to 64 of `A–Z a–z 0–9 . _ -`.
   * @defaultValue derived from the key
   */
  kid?: string;
  /** The signature algorithm. Tokens with this `kid` are accepted with this algorithm only. */
  algorithm: TokenAlgorithm;
  /**
   * The key itself: the private key to sign, the public key to verify. PEM text, a `KeyObject` or a JWK, of which `use`, `key_ops` and
   * `alg` are respected. DER is refused. `HS…` takes a secret as long as the hash (32, 48 or 64 bytes), `RS…` and `PS…` an RSA key of at
   * least 2048 bits, `ES…` a key on the curve of the algorithm, and `EdDSA` an Ed25519 key.
   */
  key: TokenSecret | JsonWebKey;
  /** `sign` for the one key that issues tokens and verifies them. `verify` for keys that only verify. */
  use: 'sign' | 'verify';
}
