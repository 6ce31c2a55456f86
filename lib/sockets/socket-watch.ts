import type { AccessTokenService, JudgedToken } from '../access-token/access-token.service.js';
import type { SessionDenylist } from '../access-token/session-denylist.js';
import type { SocketConnection } from './socket-connection.js';

/** The time between two looks at all sockets, in milliseconds. Revocations that this node learns of do not wait for it. */
const SWEEP_MS = 500;

/** What a watch works with. */
export interface WatchPorts {
  readonly accessTokens: AccessTokenService;
  readonly denylist: SessionDenylist;
}

/**
 * Closes sockets whose access token has expired or has been revoked. One timer serves all sockets of an instance. It runs only while there
 * are some, and does not keep the process alive. It asks the store for nothing but the revocations that the node reads anyway.
 */
export class SocketWatch {
  private readonly watched = new Map<SocketConnection, JudgedToken>();
  private timer: NodeJS.Timeout | undefined;
  private pending: NodeJS.Immediate | undefined;

  constructor(private readonly ports: WatchPorts) {
    ports.denylist.onRevocation(() => this.sweepSoon());
  }

  /** Watches a socket, or watches it for another token from now on. */
  watch(connection: SocketConnection, token: JudgedToken): void {
    if (!connection.isOpen) return;
    if (!this.watched.has(connection)) connection.onClose(() => this.forget(connection));
    this.watched.set(connection, token);
    this.timer ??= setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  /** Forgets all sockets. They stay open. */
  stop(): void {
    this.watched.clear();
    this.rest();
  }

  /** Number of sockets, for tests. */
  get size(): number {
    return this.watched.size;
  }

  private forget(connection: SocketConnection): void {
    this.watched.delete(connection);
    if (this.watched.size === 0) this.rest();
  }

  private rest(): void {
    clearInterval(this.timer);
    clearImmediate(this.pending);
    this.timer = this.pending = undefined;
  }

  private sweep(): void {
    const { denylist } = this.ports;
    // To ask is also what keeps an otherwise idle node polling.
    if (!denylist.isCurrent(performance.now())) void denylist.catchUp();
    this.closeLapsed();
  }

  /** Many sessions may be revoked one by one, so all of them are looked at together. */
  private sweepSoon(): void {
    if (this.watched.size === 0) return;
    this.pending ??= setImmediate(() => {
      this.pending = undefined;
      this.closeLapsed();
    });
  }

  private closeLapsed(): void {
    for (const [connection, token] of this.watched) {
      const error = this.ports.accessTokens.judge(token);
      if (!error) continue;
      this.forget(connection);
      connection.close(error);
    }
  }
}
