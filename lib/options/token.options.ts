import type { AccessOptions } from '../access-token/access.options.js';
import type { Duration } from '../duration.js';
import type { SessionEvent } from '../session/session-listener.js';
import type { TokenKey, TokenSecret } from '../keys/key.options.js';
import type { ErrorBodyHook } from '../nest/error-body.js';
import type { ClaimsHook, LoadUserHook } from '../principal/hook.options.js';
import type { RevocationPush } from '../revocation/revocation-push.js';
import type { RefreshOptions } from '../session/refresh.options.js';
import type { HeaderOptions } from '../transport/header.options.js';

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
  loadUser?: LoadUserHook;
  /** Asked at each minting for the application's claims; may reject like `loadUser`. @defaultValue those given to `signIn` */
  claims?: ClaimsHook;
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
  errorBody?: ErrorBodyHook;
}
