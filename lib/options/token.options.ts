import type { AccessOptions } from '../access-token/access.options.js';
import type { Duration } from '../duration.js';
import type { SessionEvent } from '../session/session-listener.js';
import type { TokenKey, TokenSecret } from '../keys/key.options.js';
import type { ErrorBodyHook } from '../nest/error-body.js';
import type { ClaimsHook, LoadUserHook } from '../principal/hook.options.js';
import type { RevocationPush } from '../revocation/revocation-push.js';
import type { RefreshOptions } from '../session/refresh.options.js';
import type { HeaderOptions } from '../transport/header.options.js';

/**
 * Options of a token module. An unknown key is refused at start-up, and so is a value that is `undefined`, as a missing environment variable
 * is.
 *
 * @example
 * ```ts
 * TokenModule.forRoot({
 *   issuer: 'https://api.example.com',
 *   secret: process.env.TOKEN_SECRET,
 *   access: { lifetime: '10m' },
 *   refresh: { idleLifetime: '30d' },
 * });
 * ```
 */
export interface TokenModuleOptions {
  /** Value of the `iss` claim. It is written into every access token, and required when one is verified (RFC 9068 §4). */
  issuer: string | undefined;
  /** Values of the `aud` claim. All are written, and one of them is required when a token is verified (RFC 9068 §4). @defaultValue the issuer */
  audience?: string | string[];
  /** Secret that signs the access tokens with HS256. At least 32 bytes. Give either `secret` or `keys`. */
  secret?: TokenSecret | undefined;
  /** Keys of the access tokens. Give either `secret` or `keys`. With `keys`, `refresh.secret` or `refresh.keys` is required. */
  keys?: TokenKey[];
  /** Options of access tokens. */
  access?: AccessOptions;
  /** Options of sessions and their refresh tokens. */
  refresh?: RefreshOptions;
  /** Where tokens travel. This version supports `'header'` only. @defaultValue 'header' */
  transport?: 'header';
  /** Names of the headers that carry tokens. */
  header?: HeaderOptions;
  /**
   * Loads the user. Called for every authenticated request and before tokens are issued. `null`, or a rejection with `UserRejected`, means
   * that the user is gone or disabled: the response is `user_rejected`, and a refresh revokes the session. A rejection with
   * `StoreUnavailable` means that your own store cannot be reached (503). Any other rejection is logged, and the response is `hook_failed`
   * (500).
   * @defaultValue no user is loaded
   */
  loadUser?: LoadUserHook;
  /**
   * Returns the custom claims for a new access token. Called at sign-in and at every refresh. It may reject in the same way as `loadUser`.
   * @defaultValue the claims that were given to `signIn`
   */
  claims?: ClaimsHook;
  /** Maximum time to wait for `loadUser`, and for `claims`. After that the response is 503 `hook_timeout`. From 100 ms to 30 s. @defaultValue '5s' */
  hookTimeout?: Duration;
  /**
   * How this node learns that a session was revoked on another node. `poll`: it reads new revocations from the store, so it knows within half
   * a second. `strict`: it asks the store on every request. `off`: it knows its own revocations only.
   * @defaultValue 'poll'
   */
  revocation?: 'poll' | 'strict' | 'off';
  /**
   * Makes other nodes poll at once after a revocation: a `PostgresRevocationPush`, a `RedisRevocationPush` or your own. Used with
   * `revocation: 'poll'` only. If it fails, revocations still arrive with the next poll.
   * @defaultValue none
   */
  push?: RevocationPush;
  /** Maximum time to wait for the database, including for a connection. After that the response is 503. From 100 ms to 30 s. @defaultValue '2s' */
  storeTimeout?: Duration;
  /**
   * Whether the module's own store prepares its statements once for each connection, which makes a refresh two to three times as fast. Write
   * `false` behind a pooler that gives every transaction another connection and does not know prepared statements (PgBouncer before 1.21). It
   * has no effect with a `repository` of your own. @defaultValue true
   */
  preparedStatements?: boolean;
  /** The janitor deletes expired sessions. `false` disables it. @defaultValue enabled */
  janitor?:
    | {
        /** Time between two runs of the janitor. From 1 s to 1 day. @defaultValue '10m' */
        interval?: Duration;
      }
    | false;
  /** Called for every session event, in addition to logging. Errors that it throws are logged and ignored. @defaultValue events are only logged */
  onEvent?: (event: SessionEvent) => unknown;
  /** Returns the body of the response to a {@link TokenError}, for example `{ code: 4101, msg: '…' }`. @defaultValue `TokenErrorBody` */
  errorBody?: ErrorBodyHook;
}
