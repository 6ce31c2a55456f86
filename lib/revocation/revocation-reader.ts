import type { RevokedFrom, RevokedPage, RevokedSession, TokenRepository } from '../session/token-repository.js';

/** What a reader reads. Spans are milliseconds. */
export interface ReadingTerms {
  readonly realm: string;
  /** How long a revoked session's access tokens could still be accepted: the longest lifetime and the leeway. */
  readonly horizonMs: number;
  /** How long one of the module's own statements may wait for a lock on the server, after it has been dated. @defaultValue 0 */
  readonly lockTimeoutMs?: number | undefined;
  /** For tests: sessions that one statement reads at the most. @defaultValue 20,000 */
  readonly pageSize?: number | undefined;
}

/** A page of this many takes a database some 50 ms, and holds up a node for as long. */
const PAGE_SIZE = 20_000;
/** Every reading begins this much earlier than the last one: commits do not arrive in the order of their instants. */
const LOOK_BACK_MS = 10_000;
/** From the end of one sweep to the beginning of the next. */
const SWEEP_PAUSE_MS = 30_000;
/** A sweep waits this many times as long as its last page took: it keeps the database busy for a tenth of the time at the most. */
const SWEEP_REST = 9;

/** A reading of several pages, also when a page has failed meanwhile. */
interface Reading {
  /** `performance.now()` before its first page. */
  readonly startedAt: number;
  /** The store's instant of its first page. */
  readonly at: number | null;
  next: RevokedSession | null;
}

/**
 * Reads from the store which sessions have been revoked, page by page: each statement is bounded, however many sessions there are.
 * Instants are compared by the store's clock only, so a node that was suspended misses nothing.
 */
export class RevocationReader {
  private readonly pageSize: number;
  /** Where the next reading begins. */
  private from: RevokedFrom;
  private reading: Reading | null = null;
  private swept: RevokedSession | null = null;
  private sweepDueAt = performance.now() + SWEEP_PAUSE_MS;
  private readonly lookBackMs: number;

  /** @param found told of each page's sessions. */
  constructor(
    private readonly repository: TokenRepository,
    private readonly terms: ReadingTerms,
    private readonly found: (sessions: readonly RevokedSession[]) => void,
  ) {
    this.pageSize = terms.pageSize ?? PAGE_SIZE;
    this.lookBackMs = LOOK_BACK_MS + (terms.lockTimeoutMs ?? 0);
    this.from = { withinMs: terms.horizonMs + this.lookBackMs };
  }

  /**
   * Reads what has been revoked since the last reading: the first time, within the horizon. One that fails in the middle is continued
   * by the next call. Rejects when the store does.
   * @returns `performance.now()` at its beginning: everything that had been committed and dated lately by then has been found.
   */
  async readNew(): Promise<number> {
    const startedAt = performance.now();
    const first = await this.page(this.reading?.next ?? this.from);
    const reading = (this.reading ??= { startedAt, at: first.at, next: null });
    for (reading.next = this.nextAfter(first); reading.next;) reading.next = this.nextAfter(await this.page(reading.next));
    this.reading = null;
    if (reading.at !== null) this.from = { revokedAt: reading.at - this.lookBackMs, id: '' };
    return reading.startedAt;
  }

  /**
   * Reads one page of the whole horizon again, when it is time: so finds what was committed long after it was dated, by a statement
   * that ran for minutes or a commit that waited for a standby. Rejects when the store does.
   */
  async sweep(): Promise<void> {
    const startedAt = performance.now();
    if (startedAt < this.sweepDueAt) return;
    this.swept = this.nextAfter(await this.page(this.swept ?? { withinMs: this.terms.horizonMs }));
    const endedAt = performance.now();
    this.sweepDueAt = endedAt + (this.swept ? SWEEP_REST * (endedAt - startedAt) : SWEEP_PAUSE_MS);
  }

  private async page(from: RevokedFrom): Promise<RevokedPage> {
    const page = await this.repository.revokedSince(this.terms.realm, from, this.pageSize);
    this.found(page.sessions);
    return page;
  }

  private nextAfter({ sessions }: RevokedPage): RevokedSession | null {
    return sessions.length < this.pageSize ? null : (sessions.at(-1) ?? null);
  }
}
