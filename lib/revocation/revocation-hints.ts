import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import type { RevocationPush } from './revocation-push.js';

/** An announcement that takes longer than this is reported in the log. */
const SLOW_MS = 2_000;
const CLOSING_MS = 1_000;
/** The log gets at most one line in this time, even if the channel fails again and again. */
const QUIET_MS = 60_000;

/**
 * Shields the rest of the package from the push channel. Whatever the channel does, its callers neither fail nor wait, and calls do not
 * pile up. Only one announcement is under way at a time. All announcements that are requested meanwhile are combined into one more.
 */
export class RevocationHints {
  private readonly logger = new Logger('TokenModule');
  private announcing = false;
  private again = false;
  private warnedAt = -Infinity;

  constructor(
    private readonly push: RevocationPush,
    private readonly realm: string,
  ) {}

  /** Starts to listen, without waiting for the connection. */
  listen(onHint: () => void): void {
    void this.guarded('cannot be listened to', async () => this.push.listen(this.realm, onHint));
  }

  /** Tells the other nodes, without waiting until they have been told. */
  announce(): void {
    this.again = true;
    if (!this.announcing) void this.announceAll();
  }

  /** Closes the channel. Never rejects, and takes at most one second. */
  async close(): Promise<void> {
    const closing = new AbortController();
    const closed = this.guarded('cannot be closed', async () => this.push.close()).finally(() => closing.abort());
    await Promise.race([closed, delay(CLOSING_MS, undefined, { signal: closing.signal }).catch(() => undefined)]);
  }

  private async announceAll(): Promise<void> {
    this.announcing = true;
    const slow = setTimeout(() => this.warn('does not answer'), SLOW_MS).unref();
    while (this.again) {
      this.again = false;
      await this.guarded('cannot be told', async () => this.push.announce(this.realm));
      slow.refresh();
    }
    clearTimeout(slow);
    this.announcing = false;
  }

  /** Turns every failure of a call, including one that is thrown synchronously, into a line of the log. */
  private async guarded(problem: string, call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.warn(`${problem} (${error instanceof Error ? error.name : 'no error given'})`);
    }
  }

  /** Writes a warning. It contains only the name of an error, because messages of drivers contain addresses and user names. */
  private warn(problem: string): void {
    const now = performance.now();
    if (now - this.warnedAt < QUIET_MS) return;
    this.warnedAt = now;
    this.logger.warn(`the push channel ${problem}: other nodes see revocations with their next poll`);
  }
}
