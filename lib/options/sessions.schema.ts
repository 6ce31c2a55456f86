import type { SessionsOptions } from '../session/sessions.options.js';
import type { Schema } from './option-kinds.js';

const TRACK_USE = {
  every: { kind: 'duration', min: '1s', max: '1d', default: '5m' },
} as const satisfies Schema<Exclude<NonNullable<SessionsOptions['trackUse']>, false>>;

/** The options `sessions.…`. */
export const SESSIONS = {
  max: { kind: 'integer', min: 1, max: 10_000, defaultNote: 'any number' },
  onLimit: { kind: 'choice', values: ['end-oldest', 'refuse'], default: 'end-oldest' },
  trackUse: { kind: 'group', options: TRACK_USE, canBeFalse: true, defaultNote: 'disabled' },
} as const satisfies Schema<SessionsOptions>;
