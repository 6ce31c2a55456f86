import type { IntrospectionOptions } from '../access-token/introspection.options.js';
import type { AccessOptions } from '../access-token/access.options.js';
import type { OAuthClientOptions } from '../endpoints/client.options.js';
import type { Duration } from '../duration.js';
import type { TokenEvent } from '../session/session-listener.js';
import type { JwksOptions } from '../keys/jwks.options.js';
import type { TokenKey, TokenSecret } from '../keys/key.options.js';
import type { Signer } from '../keys/signer.js';
import type { ErrorBodyHook } from '../nest/error-body.js';
import type { RpcOptions } from '../nest/rpc.options.js';
import type { CachedUserOptions, ClaimsHook, LoadUserHook } from '../principal/hook.options.js';
import type { RevocationPush } from '../revocation/revocation-push.js';
import type { LegacyOptions } from '../session/legacy.options.js';
import type { RefreshOptions } from '../session/refresh.options.js';
import type { CsrfOptions } from '../authentication/csrf.options.js';
import type { CookieOptions } from '../transport/cookie.options.js';
import type { SessionsOptions } from '../session/sessions.options.js';
import type { WebSocketOptions } from '../sockets/socket.options.js';
import type { HeaderOptions } from '../transport/header.options.js';
import type { TransportMode } from '../transport/standard-transport.js';
import type { TokenLocation } from '../transport/token-location.js';

/**
 * Options of a token module. An unknown key is refused at start-up, and so is a value that is `undefined`, as a missing environment
 * variable is.
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
  /**
   * Values of the `aud` claim. All are written, and one of them is required when a token is verified (RFC 9068 §4).
   * @defaultValue the issuer
   */
  audience?: string | string[];
  /** Secret that signs the access tokens with HS256. At least 32 bytes. Give either `secret` or `keys`. */
  secret?: TokenSecret | undefined;
  /**
   * Keys of the access tokens, or a function that returns them. The function is called at start-up, and again by
   * `AccessTokenService.reloadKeys()`, so that keys are replaced without a restart. Give either `secret` or `keys`. With `keys`,
   * `refresh.secret` or `refresh.keys` is required, unless there are no sessions.
   */
  keys?: TokenKey[] | (() => TokenKey[] | Promise<TokenKey[]>);
  /**
   * Signs access tokens in place of a key of this process, for example in a key management service. All `keys` have `use: 'verify'` then,
   * and one of them is the public key of the signer.
   * @defaultValue the key that signs is in `secret` or `keys`
   */
  signer?: Signer;
  /**
   * Public keys of another service, which issues the access tokens. This instance only verifies them: it has no sessions and no database,
   * it refreshes nothing, and it learns of revocations only with `introspection`. Give it in place of `secret` and `keys`. With
   * `forRootAsync`, write `verifyOnly: true` next to the factory.
   */
  jwks?: JwksOptions;
  /** Asks the service that issues the access tokens whether one has been revoked. Used with `jwks` only. */
  introspection?: IntrospectionOptions;
  /** Options of access tokens. */
  access?: AccessOptions;
  /** Options of sessions and their refresh tokens. */
  refresh?: RefreshOptions;
  /**
   * Options of the sessions of one subject, such as how many there may be. `false` means that there are no sessions: the instance issues
   * access tokens and nothing else, it stores nothing, it needs no database, and it can revoke nothing. Sign in with `SignInService` then.
   * With `forRootAsync`, write `stateless: true` next to the factory. @defaultValue enabled
   */
  sessions?: SessionsOptions | false;
  /**
   * Where tokens travel. `header`: both in headers. `cookie`: both in cookies, and in no body. `mixed`: the access token in the header, the
   * refresh token in a cookie. @defaultValue 'header'
   */
  transport?: TransportMode;
  /** Names of the headers that carry tokens. */
  header?: HeaderOptions;
  /** Names and attributes of the cookies that carry tokens. */
  cookie?: CookieOptions;
  /**
   * Where an access token is looked for, in this order: `'header'`, `'cookie'`, `{ query: name }`, `{ body: name }`. The first place that
   * has one counts, and a bad token never falls through to the next place. `@TokenLocations()` replaces it for a route.
   * @defaultValue the header, or with `transport: 'cookie'` the cookie
   */
  locations?: TokenLocation[];
  /** Where the messages of microservices carry an access token, in addition to their headers. */
  rpc?: RpcOptions;
  /**
   * Protection against requests that pages of other sites send, where tokens come from cookies. `false` disables it. `'token'` is short for
   * `{ mode: 'token' }`. @defaultValue enabled
   */
  csrf?: CsrfOptions | 'token' | false;
  /** Options of WebSocket gateways and of GraphQL subscriptions. */
  websocket?: WebSocketOptions;
  /**
   * Loads the user. Called for every authenticated request and before tokens are issued. `null`, or a rejection with `UserRejected`, means
   * that the user is gone or disabled: the response is `user_rejected`, and a refresh revokes the session. A rejection with
   * `StoreUnavailable` means that your own store cannot be reached (503). Any other rejection is logged, and the response is `hook_failed`
   * (500). `{ load, cacheFor }` keeps the result for a while, so that not every request asks. Before tokens are issued, it is always asked.
   * @defaultValue no user is loaded
   */
  loadUser?: LoadUserHook | CachedUserOptions;
  /**
   * Returns the custom claims for a new access token. Called at sign-in, at every refresh, and when a token slides. It may reject in the
   * same way as `loadUser`.
   * @defaultValue the claims that were given to `signIn`
   */
  claims?: ClaimsHook;
  /**
   * Maximum time to wait for each of the hooks `loadUser`, `claims` and `legacy.…`. After that the response is 503 `hook_timeout`. From
   * 100 ms to 30 s.
   * @defaultValue '5s'
   */
  hookTimeout?: Duration;
  /**
   * Accepts the tokens that the application issued before it used this module, for a while. See the guide in `docs/migration.md`.
   * @defaultValue disabled
   */
  legacy?: LegacyOptions;
  /**
   * How this node learns that a session was revoked on another node. `poll`: it reads new revocations from the store, so it knows within
   * half a second. `strict`: it asks the store on every request. `off`: it knows its own revocations only.
   * @defaultValue 'poll'
   */
  revocation?: 'poll' | 'strict' | 'off';
  /**
   * Makes other nodes poll at once after a revocation: a `PostgresRevocationPush`, a `RedisRevocationPush` or your own. Used with
   * `revocation: 'poll'` only. If it fails, revocations still arrive with the next poll.
   * @defaultValue none
   */
  push?: RevocationPush;
  /**
   * Maximum time to wait for the database, including for a connection. After that the response is 503. From 100 ms to 30 s.
   * @defaultValue '2s'
   */
  storeTimeout?: Duration;
  /**
   * Whether the module's own store prepares its statements once for each connection, which makes a refresh two to three times as fast.
   * Write `false` behind a pooler that gives every transaction another connection and does not know prepared statements (PgBouncer before
   * 1.21). It has no effect with a `repository` of your own. @defaultValue true
   */
  preparedStatements?: boolean;
  /** The janitor deletes expired sessions. `false` disables it. @defaultValue enabled */
  janitor?:
    | {
        /** Time between two runs of the janitor. From 1 s to 1 day. @defaultValue '10m' */
        interval?: Duration;
      }
    | false;
  /**
   * Called for every event, in addition to logging. Nobody waits for what it returns. What it throws, or rejects with, is ignored, and the
   * log says that it has failed. See the guide in `docs/telemetry.md`.
   * @defaultValue events are only logged
   */
  onEvent?: (event: TokenEvent) => unknown;
  /**
   * Whether OpenTelemetry is told what happens: spans and durations of refreshes, spans of full verifications, counters of events and of
   * refused requests, and the revocation lag. It needs the package `@opentelemetry/api`. Without an SDK of OpenTelemetry nothing is
   * recorded. @defaultValue false
   */
  telemetry?: boolean;
  /**
   * The clients that authenticate at the endpoints `introspect`, `token` and `revoke`, with HTTP Basic or in the body (RFC 6749 §2.3.1).
   * Each of them may use each of these endpoints.
   * @defaultValue none
   */
  clients?: OAuthClientOptions[];
  /** Returns the body of the response to a {@link TokenError}, for example `{ code: 4101, msg: '…' }`. @defaultValue `TokenErrorBody` */
  errorBody?: ErrorBodyHook;
}
