/**
 * Port: the clock of this node. It sets the times in access tokens that are signed without a session, and it is what `exp`, `nbf` and `iat`
 * are compared with. Sessions live by the clock of their store (see {@link TokenRepository}) and never by this one.
 * Tests that must not wait override it with the `FakeClock` of `nestjs-token/testing`.
 */
export abstract class Clock {
  /** Returns the current time as a whole number of milliseconds since 1970 (Unix epoch). */
  abstract now(): number;
}

/** The default {@link Clock}: the system time of the node. */
export class SystemClock extends Clock {
  override now(): number {
    return Date.now();
  }
}

/** An instant in 1973, in epoch milliseconds. A smaller number that is meant to be an instant was given in seconds by mistake. */
export const EARLIEST_INSTANT = 100_000_000_000;
