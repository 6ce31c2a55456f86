import { once } from 'node:events';
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
  /** Sends a message. @returns the next message that arrives. */
  ask(event: string, data?: unknown): Promise<SocketMessage>;
  close(): void;
}

/** Opens a real socket to a gateway. @param headers the headers of the handshake. */
export async function openSocket(platform: SocketPlatform, port: number, headers: Record<string, string> = {}): Promise<TestSocket> {
  return platform === 'ws' ? openWebSocket(port, headers) : openSocketIo(port, headers);
}

async function openWebSocket(port: number, headers: Record<string, string>): Promise<TestSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { headers });
  await once(socket, 'open');
  return {
    ask: async (event, data = {}) => {
      const received = once(socket, 'message') as Promise<[Buffer]>;
      socket.send(JSON.stringify({ event, data }));
      return JSON.parse((await received)[0].toString()) as SocketMessage;
    },
    close: () => socket.close(),
  };
}

async function openSocketIo(port: number, extraHeaders: Record<string, string>): Promise<TestSocket> {
  const socket = io(`http://127.0.0.1:${port}`, { extraHeaders, transports: ['websocket'], reconnection: false });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  return {
    ask: (event, data = {}) =>
      new Promise((resolve) => {
        socket.onAny(function receive(name: string, sent: unknown) {
          socket.offAny(receive);
          resolve({ event: name, data: sent });
        });
        socket.emit(event, data);
      }),
    close: () => socket.close(),
  };
}
