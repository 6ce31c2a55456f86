import type { AccessOptions, SlidingOptions } from '../access-token/access.options.js';
import type { Schema } from './option-kinds.js';

const CACHE = {
  max: { kind: 'integer', min: 16, max: 1_000_000, default: 10_000 },
} as const satisfies Schema<Exclude<NonNullable<AccessOptions['cache']>, false>>;

/** The options `access.sliding.…`. */
export const SLIDING = {
  absoluteLifetime: { kind: 'whole seconds', min: '2s', max: '90d', default: '8h' },
} as const satisfies Schema<SlidingOptions>;

/** The options `access.…`. */
export const ACCESS = {
  lifetime: { kind: 'whole seconds', min: '1s', max: '24h', default: '15m' },
  maxLifetime: { kind: 'whole seconds', min: '1s', max: '24h', defaultNote: '`access.lifetime`' },
  jitter: { kind: 'number', min: 0, max: 0.5, default: 0.1 },
  leeway: { kind: 'duration', min: 0, max: '5m', default: '5s' },
  sliding: { kind: 'group', options: SLIDING, canBeFalse: true, canBeTrue: true, defaultNote: 'disabled' },
  cache: { kind: 'group', options: CACHE, canBeFalse: true, defaultNote: 'enabled' },
} as const satisfies Schema<AccessOptions>;
