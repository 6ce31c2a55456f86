import type { Handshake } from './handshake.js';
import type { SocketClient } from './socket-client.js';
import { failureOf } from './socket-client.js';

/** One socket, as all instances of the module see it. It is there before its client, because its handshake is judged first. */
export class SocketConnection {
  private client: SocketClient | undefined;
  private closed = false;
  private readonly opening: (() => void)[] = [];

  constructor(readonly handshake: Handshake) {}

  get isOpen(): boolean {
    return !this.closed && this.client?.isOpen === true;
  }

  /** Says which client the platform has made of the handshake. */
  open(client: SocketClient): void {
    this.client = client;
    client.onClose(() => (this.closed = true));
    for (const listener of this.opening.splice(0)) listener();
  }

  /** Calls a function as soon as there is a client. It may never be called. */
  onOpen(listener: () => void): void {
    if (this.client) listener();
    else this.opening.push(listener);
  }

  /** Calls a function when the client has gone. Call it once the socket is open. */
  onClose(listener: () => void): void {
    this.client?.onClose(listener);
  }

  /** Tells the client why, and closes the socket. Never throws. */
  close(error: unknown): void {
    if (this.closed) return;
    this.closed = true;
    try {
      this.client?.tell(failureOf(error));
      this.client?.close(error);
    } catch {
      // The socket is gone already.
    }
  }
}

/** The connections of the clients that platforms hand to gateways and resolvers. */
const CONNECTIONS = new WeakMap<object, SocketConnection>();

/** Returns the connection of a client, if its handshake is known. */
export function connectionOf(client: unknown): SocketConnection | undefined {
  return typeof client === 'object' && client !== null ? CONNECTIONS.get(client) : undefined;
}

/** Keeps the connection of a client. */
export function rememberConnection(client: object, connection: SocketConnection): void {
  CONNECTIONS.set(client, connection);
}
