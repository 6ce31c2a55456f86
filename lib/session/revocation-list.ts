import { Logger } from '@nestjs/common';
import { StoreUnavailable, TokenRevoked } from '../token.errors.js';
import type { RevocationHints } from './revocation-hints.js';
import type { TokenRepository } from './token-repository.js';

/** How a node learns of revocations. */
export interface RevocationTerms {
  readonly realm: string;
  readonly mode: 'poll' | 'strict' | 'off';
  /** How long a revoked session's access tokens could still be accepted: the longest lifetime and the leeway, milliseconds. */
  readonly horizonMs: number;
  /** For tests of what hints do without it: from the end of a poll to the next, milliseconds. @defaultValue half a second */
  readonly intervalMs?: number | undefined;
}

const POLL_INTERVAL_MS = 500;
/** Hints make a node poll at most this often, however many there are. */
const HINT_GAP_MS = 50;
/** Each poll looks back this much further than the last one: commits do not arrive in the order of their instants. */
const LOOK_BACK_MS = 10_000;

/**
 * The sessions revoked within the last access lifetime, so that their access tokens die without a query per request. A node's own
 * revocations are here at once, those of others with the next poll of an indexed column, or sooner on a hint.
 */
export class RevocationList {
  private readonly logger = new Logger('TokenModule');
  /** Session id → `performance.now()` from which no access token of it can be alive. In order of that instant. */
  private readonly revoked = new Map<string, number>();
  private readonly intervalMs: number;
  private lastPollAt = -Infinity;
  private lastEndedAt = -Infinity;
  private failing = false;
  private running = false;
  private polling = false;
  private hinted = false;
  private timer: NodeJS.Timeout | undefined;

  /** @param hints the push channel, where there is one. */
  constructor(
    private readonly repository: TokenRepository,
    private readonly terms: RevocationTerms,
    private readonly hints: RevocationHints | null = null,
  ) {
    this.intervalMs = terms.intervalMs ?? POLL_INTERVAL_MS;
  }

  /** Adds sessions that this node has just revoked, and tells the other nodes. */
  addOwn(sessionIds: readonly string[]): void {
    this.add(sessionIds);
    if (this.running) this.hints?.announce();
  }

  /** Adds sessions that this node has seen revoked. */
  add(sessionIds: readonly string[]): void {
    const now = performance.now();
    const until = now + this.terms.horizonMs;
    this.forgetOld(now);
    for (const id of sessionIds) {
      this.revoked.delete(id);
      this.revoked.set(id, until);
    }
  }

  /** Whether a session is known here to be revoked. No I/O. */
  has(sessionId: string): boolean {
    return this.revoked.size > 0 && this.revoked.has(sessionId);
  }

  /** Whether {@link confirm} must be asked for every request. */
  get isStrict(): boolean {
    return this.terms.mode === 'strict';
  }

  /**
   * Asks the store whether the session lives.
   * @throws {TokenRevoked | StoreUnavailable}
   */
  async confirm(sessionId: string): Promise<void> {
    const found = await this.repository.find({ realm: this.terms.realm, id: sessionId }).catch((cause: unknown) => {
      throw new StoreUnavailable({ cause });
    });
    if (!found || found.session.revokedAt !== null) throw new TokenRevoked(sessionId);
  }

  /** Reads what was revoked since the last successful poll. Rejects when the store does. */
  async poll(): Promise<void> {
    const { realm, horizonMs } = this.terms;
    const startedAt = performance.now();
    const sinceLast = startedAt - this.lastPollAt;
    const unknown = (await this.repository.revokedSince(realm, Math.ceil(Math.min(sinceLast, horizonMs) + LOOK_BACK_MS))).filter(
      (id) => !this.has(id),
    );
    this.lastPollAt = startedAt;
    this.add(unknown);
    this.forgetOld(startedAt);
  }

  /** Reads what a restarted node must know before it serves, then polls every half a second and on hints. Keeps no process alive. */
  async start(): Promise<void> {
    if (this.terms.mode === 'off') return;
    await this.poll();
    if (this.terms.mode !== 'poll') return;
    this.running = true;
    this.schedule(this.intervalMs);
    this.hints?.listen(() => this.hint());
  }

  /** Ends polling and announcing. Whoever has opened the push channel closes it. */
  stop(): void {
    this.running = false;
    clearTimeout(this.timer);
  }

  /** There may be something to read: one poll soon, for however many hints. While the store fails, the regular polls are enough. */
  private hint(): void {
    if (!this.running || this.hinted || this.failing) return;
    this.hinted = true;
    if (!this.polling) this.schedule(this.hintPause());
  }

  /** Milliseconds until a hint may make this node poll. */
  private hintPause(): number {
    return Math.max(0, this.lastEndedAt + HINT_GAP_MS - performance.now());
  }

  private schedule(afterMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.pollAgain(), afterMs).unref();
  }

  private async pollAgain(): Promise<void> {
    this.hinted = false;
    this.polling = true;
    try {
      await this.poll();
      if (this.failing) this.logger.log('revocations are being read again');
      this.failing = false;
    } catch (error) {
      if (!this.failing) this.logger.warn(`revocations cannot be read: ${(error as Error).name}`);
      this.failing = true;
    }
    this.polling = false;
    this.lastEndedAt = performance.now();
    this.scheduleNext();
  }

  /** A hint that came during the last poll may be of what that one was too early for. */
  private scheduleNext(): void {
    if (this.running) this.schedule(this.hinted ? this.hintPause() : this.intervalMs);
  }

  private forgetOld(now: number): void {
    for (const [id, until] of this.revoked) {
      if (until > now) return;
      this.revoked.delete(id);
    }
  }
}
