import type { VerificationKey } from './key-source.js';

/** The keys of a source by their `kid`, without those that were retired on this node. */
export class TrustedKeys {
  private keys = new Map<string, VerificationKey>();
  private retired: readonly VerificationKey[] = [];

  get size(): number {
    return this.keys.size;
  }

  get all(): readonly VerificationKey[] {
    return [...this.keys.values()];
  }

  find(kid: string): VerificationKey | undefined {
    return this.keys.get(kid);
  }

  /** Tells whether this very key is trusted at present. */
  has(key: VerificationKey): boolean {
    return this.keys.get(key.kid) === key;
  }

  /** Trusts these keys and no others. A key that was known before stays the same object, so that the tokens it has verified stay known. */
  replace(keys: readonly VerificationKey[]): void {
    const trusted = keys.filter((key) => !this.wasRetired(key)).map((key) => [key.kid, this.known(key)] as const);
    this.keys = new Map(trusted);
  }

  /** Refuses a key from now on, also when it is among the keys that replace the present ones. */
  retire(kid: string): void {
    const key = this.keys.get(kid);
    if (key) this.retired = [...this.retired, key];
    this.keys.delete(kid);
  }

  wasRetired(key: VerificationKey): boolean {
    return this.retired.some((one) => isSameKey(one, key));
  }

  private known(key: VerificationKey): VerificationKey {
    const before = this.keys.get(key.kid);
    return before && isSameKey(before, key) ? before : key;
  }
}

function isSameKey(one: VerificationKey, other: VerificationKey): boolean {
  return one.kid === other.kid && one.algorithm === other.algorithm && one.key.equals(other.key);
}
