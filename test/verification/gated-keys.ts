import type { VerificationKey } from 'nestjs-token';
import { KeySource } from 'nestjs-token';
import type { KeyRing } from '../support/lib.js';

/** The keys of a ring. While the gate is closed, a key that has been found is handed out only when the gate opens again. */
export class GatedKeys extends KeySource {
  private gate: Promise<void> | undefined;

  constructor(private readonly ring: KeyRing) {
    super();
  }

  /** Closes the gate. @returns a function that opens it. */
  close(): () => void {
    let open = (): void => undefined;
    this.gate = new Promise((resolve) => (open = resolve));
    return () => {
      this.gate = undefined;
      open();
    };
  }

  override find(kid: string): VerificationKey | undefined | Promise<VerificationKey | undefined> {
    const found = this.ring.find(kid);
    return this.gate ? this.gate.then(() => found) : found;
  }

  override trusts(key: VerificationKey): boolean {
    return this.ring.trusts(key);
  }

  override get all(): readonly VerificationKey[] {
    return this.ring.all;
  }

  override retire(kid: string): void {
    this.ring.retire(kid);
  }
}
