import type { Duration } from '../duration.js';

/** Options of access tokens that slide. */
export interface SlidingOptions {
  /**
   * How long after the sign-in (`auth_time`) the last access token expires, whatever the caller does. Longer than `access.lifetime`. From
   * 2 s to 90 days, in whole seconds. @defaultValue '8h'
   */
  absoluteLifetime?: Duration;
}

/** Options of access tokens, such as how long they are accepted. */
export interface AccessOptions {
  /** How long an access token is accepted after it was issued. From 1 s to 24 h, in whole seconds. @defaultValue '15m' */
  lifetime?: Duration;
  /**
   * The longest lifetime that `AccessTokenService.sign` can be asked for, and that an accepted token may have. At least `access.lifetime`.
   * From 1 s to 24 h, in whole seconds.
   * @defaultValue `access.lifetime`
   */
  maxLifetime?: Duration;
  /**
   * Shortens the lifetime of each token by a random share of at most this much, so that clients do not refresh at the same moment.
   * From 0 to 0.5.
   * @defaultValue 0.1
   */
  jitter?: number;
  /** Clock skew that is tolerated when `exp`, `nbf` and `iat` are checked (RFC 7519 §4.1.4). From 0 s to 5 min. @defaultValue '5s' */
  leeway?: Duration;
  /** Cache of verified tokens: a token that is in it is not verified again. `false` disables the cache. @defaultValue enabled */
  cache?:
    | {
        /** Maximum number of tokens in the cache. From 16 to 1,000,000. @defaultValue 10_000 */
        max?: number;
      }
    | false;
  /**
   * Reissues an access token in the response to a request that brings it, once more than half of its lifetime has passed. So a caller who
   * is active stays signed in without a refresh token. Only with `sessions: false`, and only for tokens of `SignInService`. `true` is short
   * for `{}`. @defaultValue disabled
   */
  sliding?: SlidingOptions | boolean;
}
