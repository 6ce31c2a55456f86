import type { JwksOptions } from '../keys/jwks.options.js';
import type { Schema } from './option-kinds.js';

/** The options `jwks.…`. */
export const JWKS = {
  uri: { kind: 'label', wanted: 'an address such as https://auth.example.com/.well-known/jwks.json' },
  document: { kind: 'key' },
  maxAge: { kind: 'duration', min: '1s', max: '1d', default: '10m' },
  cooldown: { kind: 'duration', min: '1s', max: '1h', default: '30s' },
  timeout: { kind: 'duration', min: '100ms', max: '30s', default: '5s' },
  maxBytes: { kind: 'integer', min: 1_024, max: 10_485_760, default: 262_144 },
  allowHttp: { kind: 'flag', default: false },
} as const satisfies Schema<JwksOptions>;
