import type { Duration } from '../duration.js';
import type { TokenSecret } from '../keys/key.options.js';

/** Lifetimes and rules of sessions and their refresh tokens. */
export interface RefreshOptions {
  /** Master secret of the refresh tokens, at least 32 bytes. @defaultValue the module's `secret` */
  secret?: TokenSecret | undefined;
  /** Several refresh keys instead of `refresh.secret`, for key rotation. @defaultValue one key from `refresh.secret` */
  keys?: RefreshKey[];
  /**
   * Grace period. For this long after a refresh, presenting the previous refresh token returns the same new one instead of counting as theft.
   * A response that is written more than half of it after the refresh goes without a refresh token. 1 ms to 5 min, at most a quarter of
   * `access.lifetime`.
   * @defaultValue '30s', at most an eighth of `access.lifetime`
   */
  grace?: Duration;
  /** A session expires when it has not been refreshed for this long. @defaultValue '14d' */
  idleLifetime?: Duration;
  /** A session expires this long after sign-in, whatever happens. @defaultValue '90d' */
  absoluteLifetime?: Duration;
  /** Rotations of one session per window, or false. @defaultValue 60 per hour, or four times an hour ÷ `access.lifetime` where that is more */
  limit?: { max: number; per: Duration } | false;
  /** strict: every refresh token works once (RFC 9700 §4.14.2 read literally); parallel requests and lost responses then sign users out. @defaultValue 'tolerant' */
  reuse?: 'tolerant' | 'strict';
  /** grace: a lost response is forgiven within `refresh.grace` only. @defaultValue 'always' */
  recoverLost?: 'always' | 'grace';
}

/** A key of the refresh-token ring. Bring a new one to every node as `verify` first, then make it `sign`. */
export interface RefreshKey {
  /** 0 to 255. @defaultValue the first byte of SHA-256 of the derived key */
  kid?: number;
  /** At least 32 bytes. */
  secret: TokenSecret | undefined;
  /** Exactly one key of the ring signs. */
  use: 'sign' | 'verify';
}
