import type { SessionDenylist } from '../access-token/session-denylist.js';

/** What of a token pair a response may still carry when it is written: both tokens, the access token only, or neither of them. */
export type Deliverable = 'both' | 'access' | 'none';

/**
 * Judges what a late response may still carry of a token pair (docs/rotation.md §5.4). Needs neither a statement nor a timer: a refresh
 * token that has been left out is a lost response, and the client's next refresh is recovered.
 */
export class Delivery {
  /**
   * @param denylist the sessions that are known to be revoked.
   * @param sessionId the session that the pair belongs to.
   * @param staleAt the instant of `performance.now()` from which the refresh token is too old to be sent. `Infinity`: it never is.
   */
  constructor(
    private readonly denylist: Pick<SessionDenylist, 'has'>,
    private readonly sessionId: string,
    private readonly staleAt: number,
  ) {}

  /** What a response that is written now may carry. No I/O. */
  judge(): Deliverable {
    if (this.denylist.has(this.sessionId)) return 'none';
    return performance.now() > this.staleAt ? 'access' : 'both';
  }
}
