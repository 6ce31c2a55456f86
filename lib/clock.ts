/**
 * Port: the time of this node. It dates access tokens that no session dates and judges their `exp`, `nbf` and `iat`.
 * Sessions live by the clock of their store (see {@link TokenRepository}), never by this one.
 */
export abstract class Clock {
  /** The present instant: epoch milliseconds, an integer. */
  abstract now(): number;
}

/** The node's own clock. */
export class SystemClock extends Clock {
  override now(): number {
    return Date.now();
  }
}
