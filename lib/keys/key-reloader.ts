import { Logger } from '@nestjs/common';
import { TokenOptionsError } from '../errors/token.errors.js';
import type { KeyRing, RingKeys } from './key-ring.js';

/** Reads the keys anew, and checks them. The second member is remarks for the log. */
export type KeySupply = () => Promise<{ readonly keys: RingKeys; readonly warnings: readonly string[] }>;

/** Replaces the keys of a ring while the application runs. */
export class KeyReloader {
  private readonly logger = new Logger('TokenModule');
  private started = 0;
  private applied = 0;

  /** @param supply null if the option `keys` is no function. */
  constructor(
    private readonly ring: KeyRing,
    private readonly supply: KeySupply | null,
  ) {}

  /**
   * Reads the keys anew. If several reloads are under way, the one that was started last decides, even if another one ends after it.
   * @param apply is called with the change, and makes it.
   * @throws {TokenOptionsError} rejects with it if the new keys are refused, or if `keys` is no function. The ring keeps its keys then.
   */
  async reload(apply: (change: () => void) => void): Promise<void> {
    if (!this.supply)
      throw new TokenOptionsError('keys', 'is no function, so there is nothing to reload; give a function that returns the keys');
    const turn = ++this.started;
    const { keys, warnings } = await this.supply();
    if (turn < this.applied) return;
    apply(() => this.ring.replace(keys));
    this.applied = turn;
    for (const warning of warnings) this.logger.warn(warning);
  }
}
