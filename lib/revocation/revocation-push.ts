/**
 * Port: tells other nodes that a session has been revoked, so that they poll at once and not half a second later. The message is only a
 * hint. It contains neither a session id nor a verdict. A channel that fails, is slow, loses messages, or is open to others can only change
 * how soon a node learns about a revocation. `PostgresRevocationPush` and `RedisRevocationPush` come with the package.
 *
 * One object may serve several instances of the module in one application. Each of them closes it.
 */
export abstract class RevocationPush {
  /**
   * Tells all other nodes with this instance that there is something to read. It may tell this node too. It is called after the revocation
   * has been committed, and the revocation does not wait for it. It is not called again before its promise has settled.
   * Rejects if the hint cannot be sent. The hint is then lost.
   * @param realm name of the module instance. Text of any length.
   */
  abstract announce(realm: string): Promise<void>;

  /**
   * Calls `onHint` whenever a node with this instance announces, and after every reconnection, because hints may have been missed. It may
   * call it more often than that. It reconnects by itself until it is closed. Resolves when it listens, or when it will go on trying.
   * Rejects if it will never listen.
   * @param realm name of the module instance. Text of any length.
   */
  abstract listen(realm: string, onHint: () => void): Promise<void>;

  /** Stops listening, and closes what it has opened itself. Idempotent. The application waits for it for at most one second. */
  abstract close(): Promise<void>;
}
