import type { KeyObject } from 'node:crypto';
import type { TokenAlgorithm } from './key.options.js';

/** Every {@link TokenAlgorithm}. */
export const TOKEN_ALGORITHMS = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const satisfies readonly TokenAlgorithm[];

/**
 * A key that verifies access tokens. It is made once at start-up, because jsonwebtoken needs 340 µs for each call with a secret as text.
 */
export interface VerificationKey {
  /** `kid` in the header of the tokens (RFC 7515 §4.1.4). */
  readonly kid: string;
  /** The only algorithm that this key is used with. */
  readonly algorithm: TokenAlgorithm;
  /** The secret or the public key. */
  readonly key: KeyObject;
}

/**
 * Port: where the keys come from that verify access tokens. The key ring of the options is one source; the key set of another service can
 * be another. Replace it in tests with `overrideProvider(KeySource)`.
 */
export abstract class KeySource {
  /**
   * Finds the key that a token names.
   * @param kid the `kid` of the token's header, which nobody has verified yet.
   * @returns the key, or `undefined` when it is unknown or retired. A source that has the key at hand returns it without a promise.
   */
  abstract find(kid: string): VerificationKey | undefined | Promise<VerificationKey | undefined>;

  /**
   * Tells whether a key that this source has returned before still verifies tokens. It is asked about every token that is known already,
   * so it must not do any I/O.
   */
  abstract trusts(key: VerificationKey): boolean;

  /**
   * Every key that verifies tokens at present, as far as it is at hand. The public ones among them are published as a key set
   * (`AccessTokenService.jwks`).
   */
  abstract readonly all: readonly VerificationKey[];

  /**
   * Refuses a key from this moment on, for tokens that are known already too. An unknown `kid` changes nothing.
   * @throws {RangeError} when it is the key that signs.
   */
  abstract retire(kid: string): void;
}
