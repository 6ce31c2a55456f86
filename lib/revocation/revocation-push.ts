/**
 * Port: tells other nodes that a session has been revoked, so that they look at once instead of with their next poll. Only ever a hint:
 * it carries no session id and no verdict, so a channel that is dead, slow, lossy, flooded, or open to others changes nothing but how soon
 * a revocation is seen. `PostgresRevocationPush` and `RedisRevocationPush` come with the package.
 *
 * One object may serve several instances of the module in one application; each of them closes it.
 */
export abstract class RevocationPush {
  /**
   * Tells every node of the realm, this one included or not, that there is something to read. Called after the revocation has been
   * committed, never awaited by it, and not again before it has settled. Rejects when the hint cannot be sent; nobody sends it again.
   * @param realm name of the module instance; text of any length.
   */
  abstract announce(realm: string): Promise<void>;

  /**
   * Calls `onHint` whenever a node of the realm announces, and after every reconnection, because hints may have been missed. May call it
   * as often as it likes. Reconnects by itself until it is closed. Resolves when it listens or goes on trying; rejects when it never will.
   * @param realm name of the module instance; text of any length.
   */
  abstract listen(realm: string, onHint: () => void): Promise<void>;

  /** Ends listening and lets go of what it has opened itself. Idempotent; waited for one second at most. */
  abstract close(): Promise<void>;
}
