/**
 * Port: which sessions have been revoked, as far as this node knows. Access tokens are refused by the session that they belong to, so one
 * entry refuses all tokens of a session. Replace it in tests with `overrideProvider(SessionDenylist)`.
 */
export abstract class SessionDenylist {
  /** Tells whether a session is known here to be revoked. It does no I/O. */
  abstract has(sessionId: string): boolean;

  /**
   * Tells whether a `false` of {@link has} may be relied on. This is not the case if this node was frozen or idle and has not caught up
   * yet. It is never the case if the store must be asked about every request (`revocation: 'strict'`). It does no I/O. If it returns
   * `false`, {@link confirm} is asked instead.
   * @param instant the present instant of `performance.now()`.
   */
  abstract isCurrent(instant: number): boolean;

  /**
   * Resolves if the session is not revoked, as far as this node can find out. It catches up if it is not current, and asks the store with
   * `revocation: 'strict'`.
   * @throws {TokenRevoked} rejects with it if the session is revoked.
   * @throws {StoreUnavailable} rejects with it if the store must be asked and does not respond.
   */
  abstract confirm(sessionId: string): Promise<void>;

  /** Adds sessions that this node has just revoked, and tells the other nodes. */
  abstract addOwn(sessionIds: readonly string[]): void;

  /** Adds sessions that were found to be revoked. */
  abstract add(sessionIds: readonly string[]): void;
}
