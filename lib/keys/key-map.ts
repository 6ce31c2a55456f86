import type { VerificationKey } from './key-source.js';

/**
 * Returns keys by their `kid`. A key that was known before stays the same object, so that the tokens that it has verified stay known.
 */
export function keyMapOf(keys: readonly VerificationKey[], known: ReadonlyMap<string, VerificationKey>): Map<string, VerificationKey> {
  return new Map(
    keys.map((key) => {
      const before = known.get(key.kid);
      return [key.kid, before && isSameKey(before, key) ? before : key];
    }),
  );
}

/** Tells whether both are the same key with the same `kid` and algorithm. */
export function isSameKey(one: VerificationKey, other: VerificationKey): boolean {
  return one.kid === other.kid && one.algorithm === other.algorithm && one.key.equals(other.key);
}
