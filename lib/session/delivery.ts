import type { SessionDenylist } from '../access-token/session-denylist.js';

/** What a response may still carry of a token pair when it is written: both tokens, the access token only, or neither of them. */
export type Deliverable = 'both' | 'access' | 'none';

/**
 * Judges what a late response may still carry of a token pair (docs/rotation.md §5.4). It needs neither a statement nor a timer. If a
 * refresh token is left out, this is the same as a lost response, and the client's next refresh is recovered.
 */
export class Delivery {
  /**
   * @param denylist the sessions that are known to be revoked.
   * @param sessionId the session that the pair belongs to.
   * @param staleAt the instant of `performance.now()` from which the refresh token is too old to be sent. `Infinity` means that it never
   * is.
   */
  constructor(
    private readonly denylist: Pick<SessionDenylist, 'has'>,
    private readonly sessionId: string,
    private readonly staleAt: number,
  ) {}

  /** Returns what a response that is written now may carry. It does no I/O. */
  judge(): Deliverable {
    if (this.denylist.has(this.sessionId)) return 'none';
    return performance.now() > this.staleAt ? 'access' : 'both';
  }
}
