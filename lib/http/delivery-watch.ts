import type { SessionRotator } from '../session/session-rotator.js';
import type { SessionSnapshot } from '../session/token-session.js';
import type { ResponseTokens } from './response-headers.js';
import type { TokenTransport } from './token-transport.js';

/** The parts of a watch, the same for all requests of a module instance. */
export interface WatchParts {
  readonly rotator: SessionRotator;
  readonly transport: TokenTransport;
  /** G, milliseconds. */
  readonly graceMs: number;
}

/** Share of G after which the store is asked: early enough for its answer to be there at G/2. */
const ASK_AFTER = 0.4;
/** Share of G beyond which an answer does not carry a refresh token that has not been confirmed. */
const STALE_AFTER = 0.5;

/**
 * Keeps a slow handler's answer from carrying an old refresh token (docs/rotation.md §5.4): while the answer waits, the token's grace is
 * renewed in the store; where that fails, the token comes off the answer, and the client's next request is recovered.
 */
export class DeliveryWatch {
  private timer: NodeJS.Timeout | undefined;
  private confirmedAt = performance.now();

  constructor(
    private readonly parts: WatchParts,
    private readonly tokens: ResponseTokens,
    private readonly snapshot: SessionSnapshot,
  ) {}

  /** Watches until the head is written or the client is gone. Keeps no process alive. */
  start(): void {
    this.tokens.onHead(() => this.finish());
    this.tokens.onClose(() => clearTimeout(this.timer));
    this.schedule();
  }

  private schedule(): void {
    this.timer = setTimeout(() => void this.confirm(), this.parts.graceMs * ASK_AFTER).unref();
  }

  private async confirm(): Promise<void> {
    const askedAt = performance.now();
    const delivery = await this.parts.rotator.confirmDelivery(this.snapshot).catch(() => 'superseded' as const);
    if (!this.tokens.isOpen) return;
    if (delivery === 'current') {
      this.confirmedAt = askedAt;
      this.schedule();
    } else if (delivery === 'revoked') this.parts.transport.withdrawAll(this.tokens);
    else this.parts.transport.withdrawRefreshToken(this.tokens);
  }

  /** The timer may be late: the last look is here. */
  private finish(): void {
    clearTimeout(this.timer);
    if (performance.now() - this.confirmedAt > this.parts.graceMs * STALE_AFTER) this.parts.transport.withdrawRefreshToken(this.tokens);
  }
}
