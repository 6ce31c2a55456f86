import type { EndpointOptions } from '../endpoints/endpoint.options.js';
import type { Schema } from './option-kinds.js';

/** The extras `endpoints.…`. */
export const ENDPOINTS = {
  path: { kind: 'route prefix', default: 'auth' },
  token: { kind: 'flag', default: false },
  revoke: { kind: 'flag', default: false },
  introspect: { kind: 'flag', default: false },
  logout: { kind: 'flag', default: false },
  logoutAll: { kind: 'flag', default: false },
  sessions: { kind: 'flag', default: false },
  requireClient: { kind: 'flag', default: false },
  metadata: { kind: 'route', standard: '/.well-known/oauth-authorization-server', defaultNote: 'nothing is published' },
  jwks: { kind: 'route', standard: '/.well-known/jwks.json', defaultNote: 'nothing is published' },
  decorators: { kind: 'decorators', defaultNote: 'none' },
} as const satisfies Schema<EndpointOptions>;
