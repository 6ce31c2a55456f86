import { Logger } from '@nestjs/common';
import type { TokenRepository } from './token-repository.js';

/** Maximum number of rows that one statement deletes, so that no lock is long and no transaction is large. */
const PASS = 500;

/** Deletes sessions whose absolute lifetime has passed, a few at a time, from a timer that does not keep the process alive. */
export class SessionJanitor {
  private readonly logger = new Logger('TokenModule');
  private timer: NodeJS.Timeout | undefined;

  /** @param intervalMs milliseconds between two rounds. Null means that sessions are deleted only on call. */
  constructor(
    private readonly repository: TokenRepository,
    private readonly realm: string,
    private readonly intervalMs: number | null,
  ) {}

  /**
   * Deletes until nothing is left.
   * @returns the number of deleted sessions.
   */
  async purge(): Promise<number> {
    let total = 0;
    for (let deleted = PASS; deleted === PASS; total += deleted) deleted = await this.repository.purge(this.realm, PASS);
    return total;
  }

  /** Starts the rounds. Each begins late by up to a fifth, so that nodes do not meet. */
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
