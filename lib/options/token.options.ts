import type { ExecutionContext } from '@nestjs/common';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import type { Duration } from '../duration.js';
import type { RevocationPush } from '../revocation/revocation-push.js';
import type { SessionEvent } from '../events/session-log.js';
import type { SessionInfo } from '../session/token-session.js';
import type { TokenError } from '../errors/token.errors.js';

/** Signature algorithms of access tokens (RFC 7518 §3.1). A key has exactly one. */
export type TokenAlgorithm =
  'HS256' | 'HS384' | 'HS512' | 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512';

/** A secret of at least 32 bytes: text (its UTF-8 bytes), bytes, or a secret `KeyObject`. */
export type TokenSecret = string | Buffer | KeyObject;

/** A key of the access-token key ring. */
export interface TokenKey {
  /** `kid` in the header of the tokens (RFC 7515 §4.1.4), 1 to 64 of `A–Z a–z 0–9 . _ -`. @defaultValue derived from the key */
  kid?: string;
  /** The one algorithm of this key. */
  algorithm: TokenAlgorithm;
  /**
   * HS: a secret as long as the hash (32, 48, 64 bytes). RS, PS: RSA of at least 2048 bits. ES: the curve of the algorithm.
   * PEM text, DER is refused; a `KeyObject` or a JWK (its `use`, `key_ops` and `alg` are honoured). To sign, the private key; to verify, the public one.
   */
  key: TokenSecret | JsonWebKey;
  /** Exactly one key of the ring signs (and verifies); the others only verify. */
  use: 'sign' | 'verify';
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

/** Names of the headers that carry tokens, in requests and in responses alike. */
export interface HeaderOptions {
  /** Header of the access token. @defaultValue 'Authorization' */
  access?: string;
  /** Header of the refresh token. @defaultValue 'X-Refresh-Token' */
  refresh?: string;
  /** Response header with the seconds that the new access token is good for. @defaultValue 'X-Access-Token-Expires-In' */
  expiresIn?: string;
  /** Scheme before the access token; `''`: a bare token. @defaultValue 'Bearer' */
  scheme?: string;
}

/** Options of a token module. Unknown keys and `undefined` values (a missing environment variable) refuse to start. */
export interface TokenModuleOptions {
  /** `iss`: written when minting, required when verifying (RFC 9068 §4). */
  issuer: string | undefined;
  /** `aud`: all are written, one is required (RFC 9068 §4). @defaultValue the issuer */
  audience?: string | string[];
  /** Secret of at least 32 bytes; means HS256. Exactly one of `secret` and `keys`. */
  secret?: TokenSecret | undefined;
  /** Key ring of the access tokens. Exactly one of `secret` and `keys`; with asymmetric keys `refresh.secret` is required. */
  keys?: TokenKey[];
  /** Access tokens. */
  access?: AccessOptions;
  /** Sessions and refresh tokens. */
  refresh?: RefreshOptions;
  /** Where tokens travel. This version knows `'header'` only. @defaultValue 'header' */
  transport?: 'header';
  /** Header names and scheme. */
  header?: HeaderOptions;
  /** Asked for every authenticated request and before each minting; null, or a rejection with `UserRejected`: gone or disabled (`user_rejected`, and a refresh revokes the session). A rejection with `StoreUnavailable` says that your own store is away (503); any other is `hook_failed` (500, and the error is in the log). */
  loadUser?: (subject: string, session: SessionInfo) => Promise<object | null> | object | null;
  /** Asked at each minting for the application's claims; may reject like `loadUser`. @defaultValue those given to `signIn` */
  claims?: (subject: string, session: SessionInfo) => Promise<object> | object;
  /** How long `loadUser` and `claims` are waited for, each, before the response is 503 `hook_timeout`. 100 ms to 30 s. @defaultValue '5s' */
  hookTimeout?: Duration;
  /** How revocations reach this node: `poll` (within half a second), `strict` (the store is asked on every request) or `off` (only its own). @defaultValue 'poll' */
  revocation?: 'poll' | 'strict' | 'off';
  /** Makes other nodes poll at once, with `revocation: 'poll'`: a `PostgresRevocationPush`, a `RedisRevocationPush` or your own. Only a hint: when it fails, nothing but the poll's half a second is lost. @defaultValue none */
  push?: RevocationPush;
  /** How long the database is waited for, a connection included, before the answer is 503. 100 ms to 30 s. @defaultValue '2s' */
  storeTimeout?: Duration;
  /** How often expired sessions are deleted (1 s to 1 d), or false. @defaultValue { interval: '10m' } */
  janitor?: { interval?: Duration } | false;
  /** Told of every session event, beside the log. What it throws is logged and changes nothing. */
  onEvent?: (event: SessionEvent) => unknown;
  /** Makes the body of a {@link TokenError}'s answer, for example `{ code: 4101, msg: '…' }`. @defaultValue TokenErrorBody */
  errorBody?: (error: TokenError, context: ExecutionContext) => unknown;
}
