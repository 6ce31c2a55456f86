import { jsonObject, ownClaims, requireSubject } from '../access-token/access-token.claims.js';
import type { Duration } from '../duration.js';
import { parseDuration } from '../duration.js';
import { cleanDevice } from './device-text.js';
import type { SessionLimit } from './token-repository.js';
import type { NewSession, SessionDevice } from './token-session.js';

/** What a sign-in may contain in addition to the subject. */
export interface SignInOptions {
  /** Claims of every access token of the session, unless the `claims` hook gives them. At most 4096 bytes of JSON. */
  claims?: object;
  /** The device, which is shown in the list of sessions. */
  device?: SessionDevice;
  /** The application's own data, which `sessions` returns and no token contains. A JSON object of at most 4096 bytes. @defaultValue none */
  data?: object;
  /**
   * Absolute lifetime of this session, for example a short one without “remember me”. From 1 s to `refresh.absoluteLifetime`.
   * @defaultValue `refresh.absoluteLifetime`
   */
  absoluteLifetime?: Duration;
  /**
   * Idle lifetime of this session, which replaces that of the module for as long as the session lives, for example a short one on a shared
   * device. From what `refresh.idleLifetime` must at least be (twice the access lifetime) to `refresh.absoluteLifetime`.
   * @defaultValue `refresh.idleLifetime`
   */
  idleLifetime?: Duration;
  /**
   * Maximum number of live sessions of this subject, including the new one, for example by the plan that the user pays for. From 1 to
   * 10,000. `sessions.onLimit` says what happens beyond it. @defaultValue `sessions.max`
   */
  maxSessions?: number;
  /**
   * Whether cookies outlive the browser (“remember me”). With `false`, they end with the browser session, and so do those of every refresh.
   * It concerns cookies only. @defaultValue `cookie.persistent`
   */
  persistent?: boolean;
}

/** The lifetimes and the number of sessions, and the instance that they belong to. Spans are milliseconds. */
export interface SessionSettings {
  /** Name of the instance. */
  readonly name: string;
  readonly idleMs: number;
  readonly absoluteMs: number;
  /** The shortest idle lifetime with which an access token expires early enough to be refreshed. */
  readonly leastIdleMs: number;
  /** How many live sessions a subject may have, unless a sign-in says otherwise. */
  readonly limit: SessionLimit;
  /** Whether cookies outlive the browser, unless a sign-in says otherwise. */
  readonly persistent: boolean;
}

/** A session to store, and how many sessions its subject may have. */
export interface SessionDraft {
  readonly session: NewSession;
  readonly limit: SessionLimit;
}

const LARGEST_MAXIMUM = 10_000;

/**
 * Checks what a sign-in asks for.
 * @throws {TypeError} naming what is wrong. Nothing has been stored then.
 */
export function draftOf(settings: SessionSettings, owner: { subject: string; id: string }, options: SignInOptions): SessionDraft {
  const { name: realm, idleMs } = settings;
  const { claims = {}, device = {}, data, persistent } = options;
  requireSubject(owner.subject);
  if (persistent !== undefined && typeof persistent !== 'boolean') throw new TypeError('persistent: not a boolean');
  const own = data === undefined ? {} : { data: jsonObject('data', data) };
  const lifetimes = { idleMs, ownIdleMs: ownIdleOf(settings, options), absoluteMs: absoluteOf(settings, options) };
  const session = { realm, ...owner, ...lifetimes, claims: ownClaims(claims), device: cleanDevice(device), ...own };
  return { session, limit: limitOf(settings, options) };
}

function absoluteOf({ absoluteMs }: SessionSettings, { absoluteLifetime }: SignInOptions): number {
  const asked = absoluteLifetime === undefined ? absoluteMs : parseDuration(absoluteLifetime);
  if (asked < 1_000 || asked > absoluteMs) throw new TypeError('absoluteLifetime: not from 1 s to refresh.absoluteLifetime');
  return asked;
}

function ownIdleOf({ leastIdleMs, absoluteMs }: SessionSettings, { idleLifetime }: SignInOptions): number | undefined {
  if (idleLifetime === undefined) return undefined;
  const asked = parseDuration(idleLifetime);
  if (asked < leastIdleMs || asked > absoluteMs) {
    throw new TypeError(`idleLifetime: not from ${leastIdleMs / 1_000} s to refresh.absoluteLifetime`);
  }
  return asked;
}

function limitOf({ limit }: SessionSettings, { maxSessions }: SignInOptions): SessionLimit {
  if (maxSessions === undefined) return limit;
  if (!Number.isInteger(maxSessions) || maxSessions < 1 || maxSessions > LARGEST_MAXIMUM) {
    throw new TypeError(`maxSessions: not a whole number from 1 to ${LARGEST_MAXIMUM}`);
  }
  return { ...limit, keep: maxSessions };
}
