import type { Duration } from '../duration.js';
import type { TokenSecret } from '../keys/key.options.js';

/** Options of sessions and their refresh tokens. */
export interface RefreshOptions {
  /**
   * Secret from which the key of the refresh tokens is derived. At least 32 bytes. Required with `keys`.
   * @defaultValue the module's `secret`
   */
  secret?: TokenSecret | undefined;
  /** Several refresh keys instead of `refresh.secret`, so that a key can be replaced. @defaultValue one key from `refresh.secret` */
  keys?: RefreshKey[];
  /**
   * Grace period. For this long after a refresh, presenting the previous refresh token returns the same new one instead of counting as
   * theft. A response that is written later than half of it after the refresh is sent without a refresh token. At most a quarter of
   * `access.lifetime`. From 1 ms to 5 min.
   * @defaultValue '30s', at most an eighth of `access.lifetime`
   */
  grace?: Duration;
  /**
   * A session expires when it has not been refreshed for this long. At least twice the access lifetime, at most `refresh.absoluteLifetime`.
   * From 2 s to 3,650 days.
   * @defaultValue '14d'
   */
  idleLifetime?: Duration;
  /** A session expires this long after sign-in, even if it is in use. From 2 s to 3,650 days. @defaultValue '90d' */
  absoluteLifetime?: Duration;
  /**
   * Maximum number of refreshes per session and time window. `false` disables the limit.
   * @defaultValue { max: 60, per: '1h' }, or four refreshes per `access.lifetime` where that is more
   */
  limit?:
    | {
        /** Maximum number of refreshes in one window. From 1 to 1,000,000. */
        max: number;
        /** Length of the window. From 1 s to 30 days. */
        per: Duration;
      }
    | false;
  /**
   * What presenting a refresh token again means. `tolerant` allows for parallel requests and lost responses. `strict` accepts each refresh
   * token once (RFC 9700 §4.14.2 read literally), so parallel requests and lost responses sign users out.
   * @defaultValue 'tolerant'
   */
  reuse?: 'tolerant' | 'strict';
  /**
   * How long a lost response is forgiven, so that the client may present its previous refresh token once more. `always`: as long as the new
   * refresh token has not been used. `grace`: within the grace period only.
   * @defaultValue 'always'
   */
  recoverLost?: 'always' | 'grace';
}

/** A key of the refresh tokens. To replace a key, first deploy the new one to every node as `verify`, then make it `sign`. */
export interface RefreshKey {
  /** Number of the key, which each refresh token carries. From 0 to 255. @defaultValue the first byte of SHA-256 of the derived key */
  kid?: number;
  /** Secret from which the key is derived. At least 32 bytes. */
  secret: TokenSecret | undefined;
  /** `sign` for the one key that issues refresh tokens and verifies them. `verify` for keys that only verify. */
  use: 'sign' | 'verify';
}
