import type { OAuthClientOptions } from '../endpoints/client.options.js';
import type { Schema } from './option-kinds.js';

/** The options `clients[].…`. */
export const CLIENT = {
  id: { kind: 'identifier', required: true },
  secret: { kind: 'secret', required: true },
} as const satisfies Schema<OAuthClientOptions>;
