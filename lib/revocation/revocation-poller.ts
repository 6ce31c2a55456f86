import { Logger } from '@nestjs/common';
import type { RevocationHints } from './revocation-hints.js';
import type { RevocationReader } from './revocation-reader.js';

const POLL_INTERVAL_MS = 500;
/** A poll that has taken long is followed by the next one after this share of the interval at the earliest. */
const SHORTEST_PAUSE = 0.2;
/** Hints make a node poll at most this often, however many there are. */
const HINT_GAP_MS = 50;
/** A node to which no token has been shown for this long is idle. */
const IN_USE_MS = 5_000;
/** An idle node polls this seldom, so that a connection pool from which it borrows can become idle too and close its connections. */
const IDLE_INTERVAL_MS = 30_000;
/** How long a request waits for a poll at the most. */
const CATCH_UP_MS = 1_000;
/** For so long after a poll that has failed, or for which requests have waited in vain, no request waits for another one. */
const PATIENCE_MS = 5_000;

/** Decides when a node polls for revocations: twice a second while it is in use, seldom while it is idle, soon after a hint. */
export class RevocationPoller {
  private readonly logger = new Logger('TokenModule');
  private readonly intervalMs: number;
  /** `performance.now()` until which what has been read counts as current. */
  private currentUntil = Infinity;
  private readAt = -Infinity;
  private lastStartedAt = -Infinity;
  private lastEndedAt = -Infinity;
  private inUseUntil = -Infinity;
  private isAsked = false;
  private failing = false;
  private running = false;
  private polling = false;
  private hinted = false;
  private reading: Promise<void> | undefined;
  private catchingUp: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** @param intervalMs from one poll to the next while the node is in use, milliseconds. */
  constructor(
    private readonly reader: RevocationReader,
    intervalMs: number = POLL_INTERVAL_MS,
  ) {
    this.intervalMs = intervalMs;
  }

  /** Whether the last successful poll began at most two intervals before `now` (`performance.now()`), or the store is failing. No I/O. */
  isCurrent(now: number): boolean {
    this.isAsked = true;
    return now <= this.currentUntil;
  }

  /** Polls, unless what has been read is current; joins others who do. Never rejects, and takes a second at most. */
  async catchUp(): Promise<void> {
    if (this.isCurrent(performance.now())) return;
    this.catchingUp ??= this.pollForRequests().finally(() => (this.catchingUp = undefined));
    await this.catchingUp;
  }

  /** Reads what has been revoked since the last successful poll, or joins the poll under way. Rejects when the store does. */
  async poll(): Promise<void> {
    this.reading ??= this.read().finally(() => (this.reading = undefined));
    await this.reading;
  }

  /** Begins to poll regularly and on hints, after a first {@link poll}. Keeps no process alive. */
  start(hints: RevocationHints | null): void {
    this.running = true;
    this.currentUntil = this.readAt + 2 * this.intervalMs;
    this.inUseUntil = performance.now() + IN_USE_MS;
    this.schedule(this.intervalMs);
    hints?.listen(() => this.hint());
  }

  /** Whether it polls regularly. */
  get isRunning(): boolean {
    return this.running;
  }

  stop(): void {
    this.running = false;
    this.currentUntil = Infinity;
    clearTimeout(this.timer);
  }

  private async read(): Promise<void> {
    this.readAt = await this.reader.readNew();
    if (this.running) this.currentUntil = this.readAt + 2 * this.intervalMs;
  }

  /** There may be something to read: one poll soon, for however many hints. A failing store and an idle node are left to the timer. */
  private hint(): void {
    if (!this.running || this.hinted || this.failing || !this.isInUse()) return;
    this.hinted = true;
    if (!this.polling) this.schedule(this.hintPause());
  }

  /** Milliseconds until a hint may make this node poll. */
  private hintPause(): number {
    return Math.max(0, this.lastEndedAt + HINT_GAP_MS - performance.now());
  }

  private isInUse(): boolean {
    const now = performance.now();
    if (this.isAsked) this.inUseUntil = now + IN_USE_MS;
    this.isAsked = false;
    return now < this.inUseUntil;
  }

  private schedule(afterMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.pollAgain(), afterMs).unref();
  }

  private async pollAgain(): Promise<void> {
    this.hinted = false;
    this.polling = true;
    this.lastStartedAt = performance.now();
    await this.tryToPoll();
    // What a sweep could not read it reads with the next poll, and a store that fails has been reported by the poll.
    if (!this.failing) await this.reader.sweep().catch(() => undefined);
    this.polling = false;
    this.lastEndedAt = performance.now();
    this.scheduleNext();
  }

  /** A hint that came during the last poll may be of what that one was too early for. */
  private scheduleNext(): void {
    if (!this.running) return;
    if (this.hinted) this.schedule(this.hintPause());
    // A store that fails is asked on: until it responds, tokens are accepted without having read what was revoked.
    else this.schedule(this.isInUse() || this.failing ? this.pause() : Math.max(this.intervalMs, IDLE_INTERVAL_MS));
  }

  /** From the end of a poll, so that the polls begin one interval apart. A store that fails is given all of it. */
  private pause(): number {
    if (this.failing) return this.intervalMs;
    return Math.max(this.intervalMs * SHORTEST_PAUSE, this.intervalMs - (this.lastEndedAt - this.lastStartedAt));
  }

  private async tryToPoll(): Promise<void> {
    try {
      await this.poll();
      if (this.failing) this.logger.log('revocations are being read again');
      this.failing = false;
    } catch (error) {
      if (!this.failing) this.logger.warn(`revocations cannot be read: ${(error as Error).name}`);
      this.failing = true;
      this.waitNoMore();
    }
  }

  /** Twice if need be: the poll under way may have begun before this node was frozen. Then it polls regularly again, if it was idle. */
  private async pollForRequests(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CATCH_UP_MS).unref();
    });
    const isStale = () => performance.now() > this.currentUntil;
    const polls = this.tryToPoll().then(() => (isStale() ? this.tryToPoll() : undefined));
    await Promise.race([polls, patience]);
    clearTimeout(timer);
    if (isStale()) this.waitNoMore();
    if (!this.polling) this.scheduleNext();
  }

  private waitNoMore(): void {
    if (this.running) this.currentUntil = performance.now() + PATIENCE_MS;
  }
}
