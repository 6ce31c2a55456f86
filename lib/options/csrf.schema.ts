import type { CsrfOptions } from '../authentication/csrf.options.js';
import type { Schema } from './option-kinds.js';

/** The options `csrf.…`. */
export const CSRF = {
  mode: { kind: 'choice', values: ['auto', 'token'], default: 'auto' },
  origins: { kind: 'origins', defaultNote: 'none' },
  trustSameSite: { kind: 'flag', default: false },
  secret: { kind: 'secret', defaultNote: 'derived' },
  header: { kind: 'header name', default: 'X-CSRF-Token' },
} as const satisfies Schema<CsrfOptions>;

/** The texts that `csrf` may be, and the group that each of them is short for. */
export const CSRF_SHORTHANDS = { token: { mode: 'token' } } as const satisfies Record<string, CsrfOptions>;
