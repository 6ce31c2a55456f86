import type { IntrospectionOptions } from '../access-token/introspection.options.js';
import type { Schema } from './option-kinds.js';

/** The options `introspection.…`. */
export const INTROSPECTION = {
  uri: { kind: 'label', wanted: 'the address of an introspection endpoint', required: true },
  clientId: { kind: 'label', wanted: 'the name of this service at the endpoint', required: true },
  clientSecret: { kind: 'label', wanted: 'the secret of this service at the endpoint', required: true },
  cacheFor: { kind: 'duration', min: 0, max: '5m', default: '5s' },
  timeout: { kind: 'duration', min: '100ms', max: '30s', default: '2s' },
  allowHttp: { kind: 'flag', default: false },
} as const satisfies Schema<IntrospectionOptions>;
