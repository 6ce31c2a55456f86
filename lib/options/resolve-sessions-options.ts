import type { SessionsOptions } from '../session/sessions.options.js';
import type { SessionLimit } from '../session/token-repository.js';
import { optionReader } from './option-reader.js';
import { SESSIONS } from './sessions.schema.js';

/** The sessions of one subject, resolved. */
export interface ResolvedSessionsOptions {
  readonly limit: SessionLimit;
  /** The use of one session is written at most once in this time, in milliseconds. Null means that it is not written. */
  readonly trackUseMs: number | null;
}

/** @throws {TokenOptionsError} naming the first option that is wrong. */
export function resolveSessionsOptions(given: SessionsOptions | undefined): ResolvedSessionsOptions {
  const sessions = optionReader({ group: 'sessions', schema: SESSIONS, given });
  const ends = sessions('onLimit') === 'refuse' ? 'newest' : 'oldest';
  return { limit: Object.freeze({ keep: sessions('max') ?? null, ends }), trackUseMs: trackUse(given?.trackUse) };
}

function trackUse(given: SessionsOptions['trackUse'] = false): number | null {
  return given === false ? null : optionReader({ group: 'sessions.trackUse', schema: SESSIONS.trackUse.options, given })('every');
}
