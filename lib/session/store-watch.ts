import type { EventPorts } from './session-listener.js';

/** An outage is over when no statement has failed for this long, in milliseconds. So a store that fails now and then causes few events. */
const QUIET_MS = 1_000;

/** Notices when the store stops responding and when it responds again, from what its users report. */
export class StoreWatch {
  /** The value of `performance.now()` at the last failure of an outage. Null while the store responds. */
  private failedAt: number | null = null;

  /** @param name name of the instance. */
  constructor(
    private readonly name: string,
    private readonly ports: EventPorts,
  ) {}

  /** Notes that the store has responded. */
  succeeded(): void {
    if (this.failedAt === null || performance.now() - this.failedAt < QUIET_MS) return;
    this.failedAt = null;
    this.tell('store-recovered');
  }

  /** Notes that the store has failed or has not responded in time. */
  failed(): void {
    const isNew = this.failedAt === null;
    this.failedAt = performance.now();
    if (isNew) this.tell('store-unavailable');
  }

  private tell(type: 'store-unavailable' | 'store-recovered'): void {
    const { listener, clock } = this.ports;
    if (listener.wants(type)) listener.on({ type, realm: this.name, at: clock.now() });
  }
}
