import { once } from 'node:events';
import type { Socket } from 'socket.io-client';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

export const SOCKET_PLATFORMS = ['socket.io', 'ws'] as const;
export type SocketPlatform = (typeof SOCKET_PLATFORMS)[number];

/** The message that a gateway sends back. */
export interface SocketMessage {
  event: string;
  data: unknown;
}

/** An open socket. */
export interface TestSocket {
  /** Everything that has arrived so far. */
  readonly received: readonly SocketMessage[];
  /** Resolves when the socket has been closed: with the code and the reason of `ws`, or with the reason of socket.io. */
  readonly closed: Promise<unknown[]>;
  readonly isOpen: boolean;
  /** Sends a message. @returns the next message that arrives. */
  ask(event: string, data?: unknown): Promise<SocketMessage>;
  /** Sends a message. */
  send(event: string, data?: unknown): void;
  close(): void;
}

/** How a socket is opened. */
export interface HandshakeSetup {
  /** The headers of the handshake. */
  headers?: Record<string, string | string[]>;
  /** The query of the handshake. */
  query?: string;
  /** The `auth` payload of socket.io. */
  auth?: object;
  /** The namespace of socket.io, or the path of `ws`. */
  path?: string;
}

/** Opens a real socket to a gateway. @param headers the headers of the handshake. */
export async function openSocket(platform: SocketPlatform, port: number, headers: Record<string, string> = {}): Promise<TestSocket> {
  return shakeHands(platform, port, { headers });
}

/**
 * Opens a real socket to a gateway.
 * @throws the `connect_error` of socket.io. A `ws` socket that is refused is opened, and closed at once.
 */
export async function shakeHands(platform: SocketPlatform, port: number, setup: HandshakeSetup = {}): Promise<TestSocket> {
  return platform === 'ws' ? openWebSocket(port, setup) : openSocketIo(port, setup);
}

async function openWebSocket(port: number, { headers = {}, query, path = '' }: HandshakeSetup): Promise<TestSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/${path}${query ? `?${query}` : ''}`, { headers });
  const arrivals = new Arrivals();
  socket.on('message', (message: Buffer) => arrivals.add(JSON.parse(message.toString()) as SocketMessage));
  const closed = once(socket, 'close').then(([code, reason]: unknown[]) => [code, String(reason)]);
  // Whoever waits for the socket to open is told of an error there.
  closed.catch(() => undefined);
  await once(socket, 'open');
  const send = (event: string, data?: unknown): void => socket.send(JSON.stringify({ event, data }));
  return {
    received: arrivals.all,
    closed,
    get isOpen() {
      return socket.readyState === WebSocket.OPEN;
    },
    send,
    ask: (event, data = {}) => arrivals.next(() => send(event, data)),
    close: () => socket.close(),
  };
}

async function openSocketIo(port: number, { headers = {}, query = '', auth = {}, path = '' }: HandshakeSetup): Promise<TestSocket> {
  const socket: Socket = io(`http://127.0.0.1:${port}/${path}`, {
    extraHeaders: headers as Record<string, string>,
    query: Object.fromEntries(new URLSearchParams(query)),
    auth,
    transports: ['websocket'],
    reconnection: false,
    forceNew: true,
  });
  const arrivals = new Arrivals();
  socket.onAny((event: string, data: unknown) => arrivals.add({ event, data }));
  const closed = new Promise<unknown[]>((resolve) => socket.once('disconnect', (reason) => resolve([reason])));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', (error) => {
      socket.close();
      reject(error);
    });
  });
  const send = (event: string, data?: unknown): void => void socket.emit(event, data);
  return {
    received: arrivals.all,
    closed,
    get isOpen() {
      return socket.connected;
    },
    send,
    ask: (event, data = {}) => arrivals.next(() => send(event, data)),
    close: () => socket.close(),
  };
}

/** The messages that arrive on a socket. */
class Arrivals {
  readonly all: SocketMessage[] = [];
  private readonly waiting: ((message: SocketMessage) => void)[] = [];

  add(message: SocketMessage): void {
    this.all.push(message);
    this.waiting.shift()?.(message);
  }

  next(send: () => void): Promise<SocketMessage> {
    const arrival = new Promise<SocketMessage>((resolve) => this.waiting.push(resolve));
    send();
    return arrival;
  }
}
