/**
 * Port: knows, as far as this node has learned, which sessions have been revoked, and of which open sessions the access tokens have been
 * revoked. An entry is about a session and not about one token, so one entry refuses all tokens of a session. Replace it in tests with
 * `overrideProvider(SessionDenylist)`.
 */
export abstract class SessionDenylist {
  /** Tells whether a session is known here to be revoked. It does no I/O. */
  abstract has(sessionId: string): boolean;

  /**
   * Returns the smallest `sid_epoch` with which an access token of the session is accepted. It is 0 if nothing is known about the session,
   * and `Infinity` if the session is known to be revoked. `sid_epoch` is the instant of a revocation of access tokens
   * (docs/decisions/0017). It does no I/O.
   */
  abstract accessEpoch(sessionId: string): number;

  /**
   * Tells whether the results of {@link has} and {@link accessEpoch} are up to date. They are not if this node was frozen or idle and has
   * not caught up yet. They never are if the store must be asked about every request (`revocation: 'strict'`). It does no I/O. If it
   * returns `false`, {@link confirm} is asked instead.
   * @param instant the present instant of `performance.now()`.
   */
  abstract isCurrent(instant: number): boolean;

  /**
   * Resolves if an access token of the session may be used, as far as this node can find out. It catches up if it is not current, and asks
   * the store with `revocation: 'strict'`.
   * @param accessEpoch the `sid_epoch` of the token, or 0 if it has none.
   * @throws {TokenRevoked} rejects with it if the session is revoked.
   * @throws {TokenExpired} rejects with it if the access tokens of the session have been revoked since this one was issued.
   * @throws {StoreUnavailable} rejects with it if the store must be asked and does not respond.
   */
  abstract confirm(sessionId: string, accessEpoch: number): Promise<void>;

  /**
   * Learns what other nodes have revoked, if that is not known up to date. It is called twice a second while there are sockets that close
   * when their session is revoked (`websocket.closeOnExpiry`). Never rejects.
   */
  async catchUp(): Promise<void> {}

  /** Calls a function whenever a revocation has become known here. Without it, sockets notice one within half a second. */
  onRevocation(_listener: () => void): void {}

  /** Adds sessions that this node has just revoked, and tells the other nodes. */
  abstract addOwn(sessionIds: readonly string[]): void;

  /**
   * Adds a session whose access tokens this node has just revoked, and tells the other nodes.
   * @param accessEpoch tokens with a smaller `sid_epoch` are refused.
   */
  abstract addOwnAccess(sessionId: string, accessEpoch: number): void;

  /** Adds sessions that were found to be revoked. */
  abstract add(sessionIds: readonly string[]): void;
}

/** Knows of no revocation. A service that only verifies access tokens accepts them until they expire. */
export class NoDenylist extends SessionDenylist {
  override has(): boolean {
    return false;
  }

  override accessEpoch(): number {
    return 0;
  }

  override isCurrent(): boolean {
    return true;
  }

  override async confirm(): Promise<void> {}

  override addOwn(): void {}

  override addOwnAccess(): void {}

  override add(): void {}
}
