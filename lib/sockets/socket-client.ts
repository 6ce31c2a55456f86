import { messageFailureOf } from '../errors/message-failure.js';
import type { MessageFailure } from '../errors/message-failure.js';
import { TokenError } from '../errors/token.errors.js';

/** A client of the plain `ws` platform, as far as it is used here. */
interface PlainClient {
  readonly readyState: number;
  send(data: string): void;
  close(code: number, reason: string): void;
  once?(event: 'close', listener: () => void): unknown;
}

/** A client of socket.io, as far as it is used here. A client of an unknown platform may have none of this. */
interface SocketIoClient {
  readonly connected?: boolean;
  emit?(event: string, data: unknown): unknown;
  disconnect?(): unknown;
  once?(event: 'disconnect', listener: () => void): unknown;
}

const OPEN = 1;
/** Codes of RFC 6455 §7.4.1 and its registry: the server has failed, and the client may try again later. */
const SERVER_FAILED = 1011;
const TRY_LATER = 1013;

/** What every client of a platform can do, whichever platform it is. */
export interface SocketClient {
  readonly isOpen: boolean;
  /** Sends the event `exception`, as Nest does for a `WsException`. */
  tell(failure: MessageFailure): void;
  close(error: unknown): void;
  onClose(listener: () => void): void;
}

/** Returns what a client of a gateway can do. */
export function socketClientOf(client: object): SocketClient {
  return 'readyState' in client && typeof client.readyState === 'number'
    ? new PlainSocket(client as PlainClient)
    : new SocketIoSocket(client);
}

/** Returns what the socket of a GraphQL client can do. Its protocol knows no events, so the code and the reason of the close say it all. */
export function graphqlClientOf(client: object): SocketClient {
  return new GraphqlSocket(client as PlainClient);
}

class PlainSocket implements SocketClient {
  constructor(private readonly client: PlainClient) {}

  get isOpen(): boolean {
    return this.client.readyState === OPEN;
  }

  tell(failure: MessageFailure): void {
    if (this.isOpen) this.client.send(JSON.stringify({ event: 'exception', data: failure }));
  }

  close(error: unknown): void {
    this.client.close(closeCodeOf(error), failureOf(error).errorCode);
  }

  onClose(listener: () => void): void {
    this.client.once?.('close', listener);
  }
}

class GraphqlSocket extends PlainSocket {
  override tell(): void {}
}

class SocketIoSocket implements SocketClient {
  constructor(private readonly client: SocketIoClient) {}

  get isOpen(): boolean {
    return this.client.connected !== false;
  }

  tell(failure: MessageFailure): void {
    this.client.emit?.('exception', failure);
  }

  close(): void {
    this.client.disconnect?.();
  }

  onClose(listener: () => void): void {
    this.client.once?.('disconnect', listener);
  }
}

/** Returns what a client learns about any error. An error that is not about tokens may hold anything, so it is not shown. */
export function failureOf(error: unknown): MessageFailure {
  if (error instanceof TokenError) return messageFailureOf(error);
  return { status: 'error', message: 'Internal server error', errorCode: 'internal_error' };
}

/**
 * Returns the code with which a plain socket is closed: 4401 and 4403 as in graphql-ws, and the registered ones for failures of a server.
 */
function closeCodeOf(error: unknown): number {
  const status = error instanceof TokenError ? error.getStatus() : 500;
  if (status < 500) return 4_000 + status;
  return status === 503 ? TRY_LATER : SERVER_FAILED;
}
