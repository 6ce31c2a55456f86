import type { KeyObject } from 'node:crypto';

/** A key that was derived from a secret for one purpose, one issuer and one instance name. */
export interface DerivedKey {
  /** A byte of each token that names the key. From 0 to 255. */
  readonly kid: number;
  /** A key of 256 bits. It is a `KeyObject`, because `inspect()` shows the bytes of a Buffer. */
  readonly key: KeyObject;
}

/** The keys of one purpose. One key issues tokens, and all of them verify. */
export interface DerivedKeyRing {
  readonly signing: DerivedKey;
  readonly verifying: ReadonlyMap<number, DerivedKey>;
}
