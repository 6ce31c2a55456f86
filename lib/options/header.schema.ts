import type { HeaderOptions } from '../transport/header.options.js';
import type { Schema } from './option-kinds.js';

/** The options `header.…`. */
export const HEADER = {
  access: { kind: 'header name', default: 'Authorization' },
  refresh: { kind: 'header name', default: 'X-Refresh-Token' },
  expiresIn: { kind: 'header name', default: 'X-Access-Token-Expires-In' },
  scheme: { kind: 'scheme', default: 'Bearer' },
} as const satisfies Schema<HeaderOptions>;
