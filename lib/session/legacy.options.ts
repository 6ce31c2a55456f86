import type { LegacyVerifyHook } from '../principal/legacy.options.js';
import type { SessionDevice } from './token-session.js';

/** What the `legacy.exchange` hook says about a good refresh token. */
export interface LegacySession {
  /** The subject (`sub`) of the session. 1 to 255 characters of plain text. */
  readonly subject: string;
  /** Claims of every access token of the session, unless the `claims` hook gives them. At most 4096 bytes of JSON. @defaultValue none */
  readonly claims?: object;
  /** The device, which is shown in the list of sessions. @defaultValue none */
  readonly device?: SessionDevice;
  /** The application's own data, which `sessions` returns and no token contains. A JSON object of at most 4096 bytes. @defaultValue none */
  readonly data?: object;
  /**
   * Instant from which the old token has expired, epoch milliseconds (`exp * 1000` for a JWT). The session ends then, or after
   * `refresh.absoluteLifetime`, whichever is earlier. The hook must refuse the token from this instant on. @defaultValue the session ends
   * after `refresh.absoluteLifetime`
   */
  readonly expiresAt?: Date | number;
  /**
   * Instant at which the user authenticated (`auth_time`), epoch milliseconds.
   * @defaultValue 0, not known: a route with `@Fresh()` refuses the session
   */
  readonly authTime?: Date | number;
}

/**
 * The `legacy.exchange` option. Checks a refresh token that is not one of this module. It only has to check: it is asked about a token
 * until its session has been stored, and not after that.
 *
 * @returns what the token says, or null if it is not good.
 * @example
 * ```ts
 * const exchange: LegacyExchangeHook = async (token) => {
 *   const row = await oldTokens.findOneBy({ hash: sha256(token) });
 *   return row && row.expiresAt > new Date() ? { subject: row.userId } : null;
 * };
 * ```
 */
export type LegacyExchangeHook = (refreshToken: string) => Promise<LegacySession | null> | LegacySession | null;

/** The migration bridge: how the tokens that an application issued before it used this module are accepted for a while. */
export interface LegacyOptions {
  /**
   * Instant from which neither hook is asked any more: a `Date`, or text such as `'2027-03-31'` (the beginning of that day in UTC) or
   * `'2027-03-31T18:00:00+02:00'`. If it has passed, a warning is logged at start-up.
   */
  until: Date | string | undefined;
  /**
   * Checks an old access token. Asked at each request whose access token is not one of this module. It is never asked about a token of the
   * type `at+jwt`. It may reject in the same way as `loadUser`. An error named `TokenExpiredError`, as jsonwebtoken throws it, means that
   * the token has expired. Its other errors about a bad token mean null.
   * @defaultValue old access tokens are refused
   */
  verify?: LegacyVerifyHook;
  /**
   * Checks an old refresh token, which is then exchanged for a session of this module. Asked only if the token has no session yet. It may
   * reject in the same way as `verify`.
   * @defaultValue old refresh tokens are refused
   */
  exchange?: LegacyExchangeHook;
}
