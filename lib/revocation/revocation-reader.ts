import type { RevokedFrom, RevokedPage, RevokedSession, TokenRepository } from '../session/token-repository.js';

/** Settings of a {@link RevocationReader}. Spans are milliseconds. */
export interface ReadingSettings {
  readonly realm: string;
  /** For how long the access tokens of a revoked session could still be accepted: the longest lifetime plus the leeway. */
  readonly horizonMs: number;
  /** How long a statement of this module may wait for a lock on the server after it has got its instant. @defaultValue 0 */
  readonly lockTimeoutMs?: number | undefined;
  /** The largest number of sessions that one statement reads. Tests make it small. @defaultValue 20,000 */
  readonly pageSize?: number | undefined;
}

/** A database needs about 50 ms for a page of this size, and the node is blocked for about as long. */
const PAGE_SIZE = 20_000;
/** Every reading goes back by this span before the last one, because commits do not arrive in the order of their instants. */
const LOOK_BACK_MS = 10_000;
/** From the end of one sweep to the beginning of the next. */
const SWEEP_PAUSE_MS = 30_000;
/** A sweep pauses this many times as long as its last page took, so that it keeps the database busy for at most a tenth of the time. */
const SWEEP_REST = 9;

/** A reading of several pages. It survives the failure of a page. */
interface Reading {
  /** The value of `performance.now()` before its first page. */
  readonly startedAt: number;
  /** The instant of its first page by the clock of the store. */
  readonly at: number | null;
  next: RevokedSession | null;
}

/**
 * Reads from the store which sessions have been revoked. It reads page by page, so that each statement is bounded, however many sessions
 * there are. It compares instants of the store's clock only, so a node that was suspended misses nothing.
 */
export class RevocationReader {
  private readonly pageSize: number;
  /** Where the next reading begins. */
  private from: RevokedFrom;
  private reading: Reading | null = null;
  private swept: RevokedSession | null = null;
  private sweepDueAt = performance.now() + SWEEP_PAUSE_MS;
  private readonly lookBackMs: number;

  /** @param found is called with the sessions of each page. */
  constructor(
    private readonly repository: TokenRepository,
    private readonly settings: ReadingSettings,
    private readonly found: (sessions: readonly RevokedSession[]) => void,
  ) {
    this.pageSize = settings.pageSize ?? PAGE_SIZE;
    this.lookBackMs = LOOK_BACK_MS + (settings.lockTimeoutMs ?? 0);
    this.from = { withinMs: settings.horizonMs + this.lookBackMs };
  }

  /**
   * Reads the sessions that were revoked since the last reading. The first call reads the whole horizon. If a page fails, the next call
   * continues there. Rejects if the store does.
   * @returns the value of `performance.now()` at its beginning. Everything that was committed shortly after it was dated, and before that
   * moment, has been found.
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
   * Reads one page of the whole horizon again, if it is time. In this way it finds revocations that were committed long after they were
   * dated: by a statement that ran for minutes, or by a commit that waited for a standby. Rejects if the store does.
   */
  async sweep(): Promise<void> {
    const startedAt = performance.now();
    if (startedAt < this.sweepDueAt) return;
    this.swept = this.nextAfter(await this.page(this.swept ?? { withinMs: this.settings.horizonMs }));
    const endedAt = performance.now();
    this.sweepDueAt = endedAt + (this.swept ? SWEEP_REST * (endedAt - startedAt) : SWEEP_PAUSE_MS);
  }

  private async page(from: RevokedFrom): Promise<RevokedPage> {
    const page = await this.repository.revokedSince(this.settings.realm, from, this.pageSize);
    this.found(page.sessions);
    return page;
  }

  private nextAfter({ sessions }: RevokedPage): RevokedSession | null {
    return sessions.length < this.pageSize ? null : (sessions.at(-1) ?? null);
  }
}
