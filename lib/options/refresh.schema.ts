import type { RefreshKey, RefreshOptions } from '../session/refresh.options.js';
import type { Schema } from './option-kinds.js';

/** The options `refresh.keys[].…`. */
export const REFRESH_KEY = {
  kid: { kind: 'integer', min: 0, max: 255, defaultNote: 'the first byte of SHA-256 of the derived key' },
  secret: { kind: 'secret', required: true },
  use: { kind: 'choice', values: ['sign', 'verify'], required: true },
} as const satisfies Schema<RefreshKey>;

/** The options `refresh.limit.…`. */
export const LIMIT = {
  max: { kind: 'integer', min: 1, max: 1_000_000, required: true },
  per: { kind: 'duration', min: '1s', max: '30d', required: true },
} as const satisfies Schema<Exclude<NonNullable<RefreshOptions['limit']>, false>>;

/** The options `refresh.…`. */
export const REFRESH = {
  secret: { kind: 'secret', defaultNote: "the module's `secret`" },
  keys: { kind: 'list', of: REFRESH_KEY, defaultNote: 'one key from `refresh.secret`' },
  grace: { kind: 'duration', min: '1ms', max: '5m', default: '30s', defaultNote: 'at most an eighth of `access.lifetime`' },
  idleLifetime: { kind: 'duration', min: '2s', max: '3650d', default: '14d' },
  absoluteLifetime: { kind: 'duration', min: '2s', max: '3650d', default: '90d' },
  limit: {
    kind: 'group',
    options: LIMIT,
    canBeFalse: true,
    default: { max: 60, per: '1h' },
    defaultNote: 'or four refreshes per `access.lifetime` where that is more',
  },
  reuse: { kind: 'choice', values: ['tolerant', 'strict'], default: 'tolerant' },
  recoverLost: { kind: 'choice', values: ['always', 'grace'], default: 'always' },
} as const satisfies Schema<RefreshOptions>;
