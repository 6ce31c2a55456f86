import type { TokenKey } from '../keys/key.options.js';
import { TOKEN_ALGORITHMS } from '../keys/key-source.js';
import { ACCESS } from './access.schema.js';
import { CLIENT } from './client.schema.js';
import { COOKIE } from './cookie.schema.js';
import { CSRF, CSRF_SHORTHANDS } from './csrf.schema.js';
import { HEADER } from './header.schema.js';
import { INTROSPECTION } from './introspection.schema.js';
import { JWKS } from './jwks.schema.js';
import { LEGACY } from './legacy.schema.js';
import type { Schema } from './option-kinds.js';
import { REFRESH } from './refresh.schema.js';
import { RPC } from './rpc.schema.js';
import { SESSIONS } from './sessions.schema.js';
import { WEBSOCKET } from './websocket.schema.js';
import type { CachedUserOptions } from '../principal/hook.options.js';
import type { TokenModuleOptions } from './token.options.js';

/** The options `keys[].…`. */
export const KEY = {
  kid: { kind: 'identifier', defaultNote: 'derived from the key' },
  algorithm: { kind: 'choice', values: TOKEN_ALGORITHMS, required: true },
  key: { kind: 'key', required: true },
  use: { kind: 'choice', values: ['sign', 'verify'], wanted: "'sign' or 'verify'", required: true },
} as const satisfies Schema<TokenKey>;

const JANITOR = {
  interval: { kind: 'duration', min: '1s', max: '1d', default: '10m' },
} as const satisfies Schema<Exclude<NonNullable<TokenModuleOptions['janitor']>, false>>;

/** The options `loadUser.…`. */
export const CACHED_USER = {
  load: { kind: 'hook', required: true },
  cacheFor: { kind: 'duration', min: '1s', max: '1h', required: true },
} as const satisfies Schema<CachedUserOptions>;

/** All options of a module, with those of their groups. */
export const MODULE = {
  issuer: { kind: 'text', required: true },
  audience: { kind: 'texts', defaultNote: 'the issuer' },
  secret: { kind: 'secret', required: true },
  keys: { kind: 'list', of: KEY, canBeFunction: true },
  jwks: { kind: 'group', options: JWKS },
  introspection: { kind: 'group', options: INTROSPECTION },
  signer: { kind: 'port', port: 'Signer', methods: ['sign'], defaultNote: 'the key that signs is in `secret` or `keys`' },
  access: { kind: 'group', options: ACCESS },
  refresh: { kind: 'group', options: REFRESH },
  transport: { kind: 'choice', values: ['header', 'cookie', 'mixed'], default: 'header' },
  sessions: { kind: 'group', options: SESSIONS, canBeFalse: true, defaultNote: 'enabled' },
  header: { kind: 'group', options: HEADER },
  cookie: { kind: 'group', options: COOKIE },
  locations: { kind: 'locations', defaultNote: "the header, or with `transport: 'cookie'` the cookie" },
  rpc: { kind: 'group', options: RPC },
  csrf: { kind: 'group', options: CSRF, canBeFalse: true, shorthands: CSRF_SHORTHANDS, defaultNote: 'enabled' },
  websocket: { kind: 'group', options: WEBSOCKET },
  loadUser: { kind: 'group', options: CACHED_USER, canBeFunction: true, defaultNote: 'no user is loaded' },
  claims: { kind: 'hook', defaultNote: 'the claims that were given to `signIn`' },
  hookTimeout: { kind: 'duration', min: '100ms', max: '30s', default: '5s' },
  legacy: { kind: 'group', options: LEGACY, defaultNote: 'disabled' },
  revocation: { kind: 'choice', values: ['poll', 'strict', 'off'], default: 'poll' },
  push: { kind: 'port', port: 'RevocationPush', methods: ['announce', 'listen', 'close'], defaultNote: 'none' },
  storeTimeout: { kind: 'duration', min: '100ms', max: '30s', default: '2s' },
  preparedStatements: { kind: 'flag', default: true },
  janitor: { kind: 'group', options: JANITOR, canBeFalse: true, defaultNote: 'enabled' },
  onEvent: { kind: 'hook', defaultNote: 'events are only logged' },
  telemetry: { kind: 'flag', default: false },
  clients: { kind: 'list', of: CLIENT, defaultNote: 'none' },
  errorBody: { kind: 'hook', defaultNote: '`TokenErrorBody`' },
} as const satisfies Schema<TokenModuleOptions>;
