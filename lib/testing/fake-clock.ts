import { AsyncLocalStorage } from 'node:async_hooks';
import { Clock } from '../clock.js';
import { parseDuration, type Duration } from '../duration.js';

/** Midnight of 1 January 2030, UTC. A {@link FakeClock} starts there unless a test gives it another instant. */
const START = Date.UTC(2030, 0, 1);

/**
 * A clock for tests. It stands still until a test moves it. It moves only what reads it: neither timers nor `Date`.
 *
 * {@link useTestTokens} gives it to an application. The start lies well after 0, so that a session that was never rotated (`rotatedAt` is
 * 0) looks the same as with a real clock.
 *
 * @example
 * const clock = useTestTokens(builder);
 * clock.advance('16m'); // past the lifetime of an access token
 * clock.advance(-1);    // one millisecond back
 */
export class FakeClock extends Clock {
  private instant: number;
  /** How far in the past the running function lives, in milliseconds. See {@link ago}. */
  private readonly pastMs = new AsyncLocalStorage<number>();

  /** @param start the first instant: epoch milliseconds, an integer. Default: 2030-01-01T00:00:00Z. */
  constructor(start: number = START) {
    super();
    this.instant = requireInstant(start);
  }

  /** The instant at which the clock stands: epoch milliseconds, an integer. */
  override now(): number {
    return this.instant - (this.pastMs.getStore() ?? 0);
  }

  /**
   * Moves the clock by a span. A number is **milliseconds**, unlike a {@link Duration}, whose numbers are seconds: tests often move a clock
   * to one millisecond before or after a boundary. A negative number moves the clock back.
   *
   * @returns the instant that the clock shows now.
   * @throws {TypeError} when the span is neither a whole number of milliseconds nor a text such as `'15m'`.
   * @example
   * clock.advance('15m');
   */
  advance(span: number | Exclude<Duration, number>): number {
    return this.set(this.instant + (typeof span === 'number' ? span : parseDuration(span)));
  }

  /**
   * Puts the clock to an instant, which may lie in its past.
   *
   * @param instant epoch milliseconds, an integer.
   * @returns that instant.
   * @throws {TypeError} when it is not a safe integer.
   * @example
   * clock.set(Date.parse('2031-05-01T12:00:00Z'));
   */
  set(instant: number): number {
    this.instant = requireInstant(instant);
    return this.instant;
  }

  /**
   * Calls a function that sees this clock in the past, and so does everything that it awaits. For all others the clock shows what it did.
   * @param milliseconds how far in the past.
   * @internal
   */
  ago<T>(milliseconds: number, call: () => T): T {
    return this.pastMs.run(milliseconds, call);
  }
}

function requireInstant(instant: number): number {
  if (!Number.isSafeInteger(instant)) throw new TypeError('an instant is a whole number of milliseconds');
  return instant;
}
