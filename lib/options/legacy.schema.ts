import type { LegacyOptions } from '../session/legacy.options.js';
import type { Schema } from './option-kinds.js';

/** The options `legacy.…`. */
export const LEGACY = {
  until: { kind: 'instant', required: true },
  verify: { kind: 'hook', defaultNote: 'old access tokens are refused' },
  exchange: { kind: 'hook', defaultNote: 'old refresh tokens are refused' },
} as const satisfies Schema<LegacyOptions>;
