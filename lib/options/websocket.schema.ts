import type { WebSocketOptions } from '../sockets/socket.options.js';
import type { Schema } from './option-kinds.js';

/** The options `websocket.…`. */
export const WEBSOCKET = {
  closeOnExpiry: { kind: 'flag', default: false },
} as const satisfies Schema<WebSocketOptions>;
