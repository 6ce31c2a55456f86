import { Logger } from '@nestjs/common';
import type { TokenRepository } from './token-repository.js';

/** Rows that one statement deletes at the most: no long lock, no big transaction. */
const PASS = 500;

/** Deletes sessions whose absolute lifetime is over, a few at a time, from a timer that keeps no process alive. */
export class SessionJanitor {
  private readonly logger = new Logger('TokenModule');
  private timer: NodeJS.Timeout | undefined;

  /** @param intervalMs milliseconds between two rounds, or null: only when called. */
  constructor(
    private readonly repository: TokenRepository,
    private readonly realm: string,
    private readonly intervalMs: number | null,
  ) {}

  /** Passes until nothing is left. @returns how many sessions were deleted. */
  async purge(): Promise<number> {
    let total = 0;
    for (let deleted = PASS; deleted === PASS; total += deleted) deleted = await this.repository.purge(this.realm, PASS);
    return total;
  }

  /** Starts the rounds; each begins up to a fifth late, so that nodes don't meet. */
  start(): void {
    if (this.intervalMs === null) return;
    this.timer = setTimeout(() => void this.round(), this.intervalMs * (1 + Math.random() / 5)).unref();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private async round(): Promise<void> {
    try {
      await this.purge();
    } catch (error) {
      this.logger.warn(`expired sessions cannot be deleted: ${(error as Error).name}`);
    }
    if (this.timer) this.start();
  }
}
