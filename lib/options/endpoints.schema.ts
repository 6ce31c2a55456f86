import type { EndpointOptions } from '../endpoints/endpoint.options.js';
import type { Schema } from './option-kinds.js';

/** The extras `endpoints.…`. */
export const ENDPOINTS = {
  jwks: { kind: 'route', standard: '/.well-known/jwks.json', defaultNote: 'nothing is published' },
} as const satisfies Schema<EndpointOptions>;
