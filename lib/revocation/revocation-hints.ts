import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import type { RevocationPush } from './revocation-push.js';

/** How long an announcement may take before the log says that it does. */
const SLOW_MS = 2_000;
const CLOSING_MS = 1_000;
/** An outage that comes and goes is one line a minute at the most. */
const QUIET_MS = 60_000;

/**
 * The push channel at arm's length: whatever it does, no caller fails, waits or piles up because of it. One announcement is under way at
 * a time; all that are asked for meanwhile are made good by one more.
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

  /** Starts to listen, and does not wait for it. */
  listen(onHint: () => void): void {
    void this.guarded('cannot be listened to', async () => this.push.listen(this.realm, onHint));
  }

  /** Tells the other nodes, and does not wait for it. */
  announce(): void {
    this.again = true;
    if (!this.announcing) void this.announceAll();
  }

  /** Never rejects, and takes a second at most. */
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

  /** Turns whatever goes wrong, a synchronous throw included, into a line of the log. */
  private async guarded(problem: string, call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.warn(`${problem} (${error instanceof Error ? error.name : 'no error given'})`);
    }
  }

  /** The name of an error only: messages of drivers hold addresses and user names. */
  private warn(problem: string): void {
    const now = performance.now();
    if (now - this.warnedAt < QUIET_MS) return;
    this.warnedAt = now;
    this.logger.warn(`the push channel ${problem}: other nodes see revocations with their next poll`);
  }
}
