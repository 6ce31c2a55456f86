import type { Clock } from '../clock.js';
import { withDeadline } from '../principal/deadline.js';

/** How long requests with the same token share a replacement that is done, or has failed, in milliseconds. */
const SHARED_MS = 1_000;
/** How long a request waits for a replacement, in milliseconds. Its token is good, so it passes without one. */
const PATIENCE_MS = 1_000;
/** After so many milliseconds, a request begins again what is not done yet. What it works with may have lost its connection for good. */
const RETRY_MS = 10_000;
/** Maximum number of attempts that are known. */
const MAX_ATTEMPTS = 10_000;

/** An attempt to replace one token. */
interface Attempt<Issued> {
  /** What requests get. While the work takes too long, this is null. */
  result: Promise<Issued | null>;
  /** When it began or, once it is done, when that was. Epoch milliseconds. */
  at: number;
  /** How long after that requests share it, in milliseconds. */
  sharedMs: number;
}

/** Says that the work has taken too long. */
class Overdue extends Error {}

/**
 * The attempts to replace tokens, by the `jti` of the token. Requests with one token share an attempt until a second after it is done, and
 * none of them waits for more than a second. The results are live credentials, so they are forgotten after that second, and `inspect()`
 * does not show them.
 */
export class SlideAttempts<Issued> {
  readonly #attempts = new Map<string, Attempt<Issued>>();

  /** @param onOverdue called once for each attempt that takes longer than a request waits. */
  constructor(
    private readonly clock: Clock,
    private readonly onOverdue: () => void,
  ) {}

  /**
   * Returns what the attempt for a token comes to. It begins one if there is none to share. If there are too many, it forgets the oldest.
   * @returns null if the work takes longer than a second. It goes on, and requests that come later pass at once until it is done.
   */
  share(jti: string, begin: () => Promise<Issued | null>): Promise<Issued | null> {
    const now = this.clock.now();
    const known = this.#attempts.get(jti);
    if (known && Math.abs(now - known.at) < known.sharedMs) return known.result;
    const work = begin();
    const attempt = { result: this.inTime(work), at: now, sharedMs: RETRY_MS };
    const end = () => this.end(jti, attempt, work);
    void work.then(end, end);
    this.#attempts.delete(jti);
    if (this.#attempts.size >= MAX_ATTEMPTS) this.forgetOldest();
    this.#attempts.set(jti, attempt);
    return attempt.result;
  }

  /** Number of attempts, for tests. */
  get size(): number {
    return this.#attempts.size;
  }

  private async inTime(work: Promise<Issued | null>): Promise<Issued | null> {
    try {
      return await withDeadline(work, PATIENCE_MS, () => new Overdue());
    } catch (error) {
      if (!(error instanceof Overdue)) throw error;
      this.onOverdue();
      return null;
    }
  }

  /** Shares what the work has come to, late or not, for a second. */
  private end(jti: string, attempt: Attempt<Issued>, work: Promise<Issued | null>): void {
    Object.assign(attempt, { result: work, at: this.clock.now(), sharedMs: SHARED_MS });
    const forget = () => this.#attempts.get(jti) === attempt && this.#attempts.delete(jti);
    setTimeout(forget, SHARED_MS).unref();
  }

  private forgetOldest(): void {
    const [oldest] = this.#attempts.keys();
    if (oldest !== undefined) this.#attempts.delete(oldest);
  }
}
