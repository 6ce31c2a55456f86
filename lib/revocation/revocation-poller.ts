import { Logger } from '@nestjs/common';
import type { RevocationHints } from './revocation-hints.js';
import type { StoreWatch } from '../session/store-watch.js';
import { StoreConflict } from '../session/token-repository.js';
import type { RevocationReader } from './revocation-reader.js';

const POLL_INTERVAL_MS = 500;
/** After a long poll, the next one begins after this share of the interval at the earliest. */
const SHORTEST_PAUSE = 0.2;
/** The shortest time between two polls that hints cause, however many hints there are. */
const HINT_GAP_MS = 50;
/** A node that has seen no token for this long is idle. */
const IN_USE_MS = 5_000;
/** The interval of an idle node. It is long, so that its connection pool can become idle too and close its connections. */
const IDLE_INTERVAL_MS = 30_000;
/** The longest time that a request waits for a poll. */
const CATCH_UP_MS = 1_000;
/** After a poll that has failed, or that requests have waited for without success, no request waits for another poll for this long. */
const PATIENCE_MS = 5_000;

/** Settings of a {@link RevocationPoller}. */
export interface PollerSettings {
  /** Milliseconds from one poll to the next while the node is in use. @defaultValue half a second */
  readonly intervalMs?: number | undefined;
  /** Is told whether the store responds. */
  readonly watch?: StoreWatch | undefined;
}

/** Decides when a node polls for revocations: twice a second while it is in use, seldom while it is idle, soon after a hint. */
export class RevocationPoller {
  private readonly logger = new Logger('TokenModule');
  private readonly intervalMs: number;
  private readonly watch: StoreWatch | undefined;
  /** The value of `performance.now()` until which the list counts as current. */
  private currentUntil = Infinity;
  private readAt = -Infinity;
  private lastEndedAt = -Infinity;
  private lastTookMs = 0;
  private inUseUntil = -Infinity;
  private isAsked = false;
  private failing = false;
  private running = false;
  private polling = false;
  private hinted = false;
  private reading: Promise<void> | undefined;
  private catchingUp: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly reader: RevocationReader,
    { intervalMs = POLL_INTERVAL_MS, watch }: PollerSettings = {},
  ) {
    this.intervalMs = intervalMs;
    this.watch = watch;
  }

  /**
   * Whether the last successful poll began at most two intervals before `now` (`performance.now()`). Also true while the store fails. No
   * I/O.
   */
  isCurrent(now: number): boolean {
    this.isAsked = true;
    return now <= this.currentUntil;
  }

  /** Polls unless the list is current. Concurrent callers share one poll. Never rejects, and takes at most one second. */
  async catchUp(): Promise<void> {
    if (this.isCurrent(performance.now())) return;
    this.catchingUp ??= this.pollForRequests().finally(() => (this.catchingUp = undefined));
    await this.catchingUp;
  }

  /**
   * Reads the sessions that were revoked since the last successful poll, or joins the poll that is under way. Rejects if the store does.
   */
  async poll(): Promise<void> {
    this.reading ??= this.read().finally(() => (this.reading = undefined));
    await this.reading;
  }

  /** Begins to poll regularly and after hints. Call {@link poll} once before. Its timers do not keep the process alive. */
  start(hints: RevocationHints | null): void {
    this.running = true;
    this.currentUntil = this.readAt + 2 * this.intervalMs;
    this.inUseUntil = performance.now() + IN_USE_MS;
    this.schedule(this.intervalMs);
    hints?.listen(() => this.hint());
  }

  /** Milliseconds since the last successful poll began. */
  get ageMs(): number {
    return performance.now() - this.readAt;
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

  /**
   * Plans one poll soon, however many hints there are. Does nothing while the store fails or the node is idle, because the timer will poll
   * then.
   */
  private hint(): void {
    if (!this.running || this.hinted || this.failing || !this.isInUse()) return;
    this.hinted = true;
    if (!this.polling) this.schedule(this.hintPause());
  }

  /** Milliseconds until the next poll that a hint may cause. */
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
    const startedAt = performance.now();
    await this.tryToPoll();
    // A failed sweep is repeated after the next poll. If the store fails, the poll has reported it.
    if (!this.failing) await this.reader.sweep().catch(() => undefined);
    this.polling = false;
    this.lastEndedAt = performance.now();
    this.lastTookMs = this.lastEndedAt - startedAt;
    this.scheduleNext();
  }

  /** If a hint came during the last poll, that poll may have been too early for it, so the next one is soon. */
  private scheduleNext(): void {
    if (!this.running) return;
    if (this.hinted) this.schedule(this.hintPause());
    // Polling goes on at the usual rate while the store fails, because tokens of revoked sessions are accepted until it responds.
    else this.schedule(this.isInUse() || this.failing ? this.pause() : Math.max(this.intervalMs, IDLE_INTERVAL_MS));
  }

  /**
   * Milliseconds from the end of a poll to the next one, so that polls begin one interval apart. After a failure, it is a whole interval.
   */
  private pause(): number {
    if (this.failing) return this.intervalMs;
    return Math.max(this.intervalMs * SHORTEST_PAUSE, this.intervalMs - this.lastTookMs);
  }

  private async tryToPoll(): Promise<void> {
    try {
      await this.poll();
      if (this.failing) this.logger.log('revocations are being read again');
      this.failing = false;
      this.watch?.succeeded();
    } catch (error) {
      if (!this.failing) this.logger.warn(`revocations cannot be read: ${(error as Error).name}`);
      this.failing = true;
      if (!(error instanceof StoreConflict)) this.watch?.failed();
      this.waitNoMore();
    }
  }

  /**
   * Polls up to twice, because a poll that is under way may have begun before this node was frozen. A node that was idle then polls at the
   * usual rate again.
   */
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
