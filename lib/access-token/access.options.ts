import type { Duration } from '../duration.js';

/** Lifetimes and checks of access tokens. */
export interface AccessOptions {
  /** How long an access token is accepted. 1 s to 24 h. @defaultValue '15m' */
  lifetime?: Duration;
  /** The longest lifetime that `AccessTokenService.sign` may be asked for, and that a token may carry. 1 s to 24 h. @defaultValue `access.lifetime` */
  maxLifetime?: Duration;
  /** The lifetime of each token is shortened by a random share of up to this. 0 to 0.5. @defaultValue 0.1 */
  jitter?: number;
  /** Clock skew tolerated on `exp`, `nbf` and `iat` (RFC 7519 §4.1.4). 0 to 5 min. @defaultValue '5s' */
  leeway?: Duration;
  /** Verified-token cache: tokens that it holds at most (16 to 1,000,000), or false. @defaultValue { max: 10_000 } */
  cache?: { max?: number } | false;
}
