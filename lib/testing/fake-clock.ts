import { Clock } from '../clock.js';
import { parseDuration, type Duration } from '../duration.js';

/** Where a {@link FakeClock} starts unless told otherwise: midnight of 1 January 2030, UTC. */
const START = Date.UTC(2030, 0, 1);

/**
 * A clock for tests: it stands still until it is told to move. Stands well after 0, so that a session that was never
 * rotated (`rotatedAt` 0) counts as settled, as it does with a real clock.
 *
 * It moves only what reads it: neither timers nor `Date`.
 */
export class FakeClock extends Clock {
  private instant: number;

  /** @param start the first instant: epoch milliseconds, an integer. Default: 2030-01-01T00:00:00Z. */
  constructor(start: number = START) {
    super();
    this.instant = requireInstant(start);
  }

  override now(): number {
    return this.instant;
  }

  /**
   * Moves the clock by a span. A number is **milliseconds**, unlike a {@link Duration}, whose numbers are seconds: a clock
   * is moved to one millisecond before or after a boundary more often than anywhere else. A negative number moves it back.
   *
   * @returns the instant that the clock shows now.
   * @throws {TypeError} when the span is neither a whole number of milliseconds nor a text such as `'15m'`.
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
   */
  set(instant: number): number {
    this.instant = requireInstant(instant);
    return this.instant;
  }
}

function requireInstant(instant: number): number {
  if (!Number.isSafeInteger(instant)) throw new TypeError('an instant is a whole number of milliseconds');
  return instant;
}
