import type { SessionsOptions } from '../session/sessions.options.js';
import type { Schema } from './option-kinds.js';

/** The options `sessions.…`. */
export const SESSIONS = {
  max: { kind: 'integer', min: 1, max: 10_000, defaultNote: 'any number' },
  onLimit: { kind: 'choice', values: ['end-oldest', 'refuse'], default: 'end-oldest' },
} as const satisfies Schema<SessionsOptions>;
