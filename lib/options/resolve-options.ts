import type { KeyObject } from 'node:crypto';
import type { AccessTokenSettings } from '../access-token/access-token.service.js';
import type { ResolvedClient } from '../endpoints/client.options.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import type { LoadUserHook } from '../principal/hook.options.js';
import type { RevocationPush } from '../revocation/revocation-push.js';
import type { WebSocketSettings } from '../sockets/socket.options.js';
import type { StorePatience } from '../session/token-repository.js';
import type { DerivedKeyRing } from '../keys/derived-keys.js';
import { readSecret } from '../keys/key-material.js';
import { requireKnownKeys } from './known-keys.js';
import { CACHED_USER, MODULE } from './module.schema.js';
import type { ModuleReader } from './module-reader.js';
import { moduleReader } from './module-reader.js';
import { optionReader } from './option-reader.js';
import type { ResolvedAccessKeys } from './resolve-access-keys.js';
import { resolveAccessKeys } from './resolve-access-keys.js';
import { resolveAccessOptions } from './resolve-access-options.js';
import { resolveClients } from './resolve-endpoints.js';
import type { ResolvedLegacyOptions } from './resolve-legacy-options.js';
import { resolveLegacyOptions } from './resolve-legacy-options.js';
import type { ResolvedRefreshOptions } from './resolve-refresh-options.js';
import { resolveRefreshOptions } from './resolve-refresh-options.js';
import { resolveCsrfKeys } from './resolve-refresh-keys.js';
import type { ResolvedSessionsOptions } from './resolve-sessions-options.js';
import { resolveSessionsOptions } from './resolve-sessions-options.js';
import type { ResolvedTransportOptions, TransportContext } from './resolve-transport-options.js';
import { resolveTransportOptions } from './resolve-transport-options.js';
import type { TokenLocation } from '../transport/token-location.js';
import { RPC } from './rpc.schema.js';
import type { TokenModuleOptions } from './token.options.js';
import { WEBSOCKET } from './websocket.schema.js';

/** What the handling of a request needs, whether or not the instance has sessions. */
export interface RequestOptions {
  readonly access: AccessTokenSettings;
  readonly transport: ResolvedTransportOptions;
  /** Where a message of a microservice carries its access token, in this order. */
  readonly messageLocations: readonly TokenLocation[];
  /** Null if there are no CSRF tokens, as in an instance that only verifies. */
  readonly csrfKeys: DerivedKeyRing | null;
  /** Whether this instance sets the cookies. Otherwise it never deletes one. */
  readonly ownsCookies: boolean;
  readonly hooks: Readonly<Pick<TokenModuleOptions, 'claims' | 'onEvent' | 'errorBody'>> & {
    readonly loadUser?: LoadUserHook;
    /** How long a user is kept, in milliseconds. Null means that every request asks `loadUser`. */
    readonly cacheUserMs: number | null;
  };
  /** Milliseconds. */
  readonly hookTimeoutMs: number;
  /** Whether OpenTelemetry is told what happens. */
  readonly telemetry: boolean;
  readonly websocket: WebSocketSettings;
  /** Null if there are no tokens of another system. */
  readonly legacy: ResolvedLegacyOptions | null;
  /** What is allowed but doubtful, for the log at start-up. */
  readonly warnings: readonly string[];
}

/** What an instance needs that issues access tokens, with or without sessions. */
export interface IssuerOptions extends RequestOptions {
  readonly access: AccessTokenSettings & ResolvedAccessKeys;
}

/**
 * Every option, checked and with its default. Spans are milliseconds and keys are key objects. The rest of the package sees nothing else of
 * the options.
 */
export interface ResolvedTokenOptions extends IssuerOptions {
  readonly refresh: ResolvedRefreshOptions;
  readonly sessions: ResolvedSessionsOptions;
  readonly revocation: 'poll' | 'strict' | 'off';
  /** Null: revocations arrive with the next poll. */
  readonly push: RevocationPush | null;
  readonly patience: StorePatience;
  readonly preparedStatements: boolean;
  /** The clients of the endpoints. */
  readonly clients: readonly ResolvedClient[];
  /** Milliseconds. Null disables the janitor. */
  readonly janitorMs: number | null;
}

/**
 * Resolves options as {@link resolveTokenOptions} does, after it has asked the function for the keys that `keys` may be.
 * @throws {TokenOptionsError} rejects with it.
 */
export async function loadTokenOptions(given: TokenModuleOptions, name: string): Promise<ResolvedTokenOptions> {
  return resolveTokenOptions(given, name, typeof given.keys === 'function' ? await given.keys() : given.keys);
}

/**
 * Checks all options against their schema and against each other, and adds the defaults.
 *
 * @param name the name of the module instance.
 * @param keys what the option `keys` is or returns.
 * @throws {TokenOptionsError} naming the first option that is wrong, and how to correct it. No message contains a secret.
 */
export function resolveTokenOptions(given: TokenModuleOptions, name: string, keys: unknown = given.keys): ResolvedTokenOptions {
  requireKnownKeys(given);
  const warnings: string[] = [];
  requireSessions(given);
  const options = moduleReader(given);
  const issuer = options('issuer');
  const { secret, ...accessKeys } = resolveAccessKeys(given, { issuer, name, warnings }, keys);
  const access = resolveAccessOptions(given.access, { issuer, audience: options('audience') });
  const refresh = resolveRefreshOptions(given.refresh, { issuer, name, secret, access, warnings });
  return Object.freeze({
    access: Object.freeze({ ...access, ...accessKeys }),
    refresh: Object.freeze(refresh),
    ...resolveRequestOptions(given, options, { name, warnings }),
    csrfKeys: resolveCsrfKeys(refresh.ring, { issuer, name }),
    ownsCookies: true,
    legacy: resolveLegacyOptions(given.legacy),
    sessions: Object.freeze(resolveSessionsOptions(given.sessions || undefined)),
    revocation: options('revocation'),
    push: resolvePush(options, warnings),
    patience: Object.freeze(resolvePatience(options('storeTimeout'), refresh.rules.graceMs)),
    preparedStatements: options('preparedStatements'),
    clients: Object.freeze(resolveClients(given.clients, { own: secretsOf(given, secret, accessKeys), warnings })),
    janitorMs: resolveJanitor(given.janitor),
    warnings: Object.freeze(warnings),
  });
}

/** Returns the secrets with which an instance signs tokens, or from which it derives keys. */
function secretsOf({ refresh }: TokenModuleOptions, secret: KeyObject | null, { ring }: ResolvedAccessKeys): KeyObject[] {
  const ofRefresh = [refresh?.secret, ...(refresh?.keys ?? []).map((key) => key.secret)].filter((given) => given !== undefined);
  return [
    ...(secret ? [secret] : []),
    ...ring.all.map(({ key }) => key).filter(({ type }) => type === 'secret'),
    ...ofRefresh.map((given) => readSecret('refresh.secret', given).key),
  ];
}

/** Refuses the options of an instance without sessions. */
function requireSessions({ introspection, jwks, sessions, access, csrf }: TokenModuleOptions): void {
  const declared = (extra: string): string =>
    `comes from a factory, so \`${extra}: true\` must stand next to useFactory, useClass or useExisting`;
  if (introspection !== undefined) {
    throw new TokenOptionsError('introspection', 'belongs to `jwks`: an instance with sessions knows of revocations itself');
  }
  if (jwks !== undefined) throw new TokenOptionsError('jwks', declared('verifyOnly'));
  if (sessions === false) throw new TokenOptionsError('sessions', declared('stateless'));
  if (access?.sliding) {
    throw new TokenOptionsError('access.sliding', 'belongs to `sessions: false`: an instance with sessions refreshes access tokens');
  }
  if (csrf && typeof csrf === 'object' && csrf.secret !== undefined) {
    throw new TokenOptionsError(
      'csrf.secret',
      'belongs to `sessions: false`: here the key of CSRF tokens is derived from those of the refresh tokens; remove it',
    );
  }
}

/**
 * Resolves what the handling of a request needs.
 * @throws {TokenOptionsError} naming the first option that is wrong.
 */
export function resolveRequestOptions(
  given: TokenModuleOptions,
  options: ModuleReader,
  context: TransportContext,
): Pick<RequestOptions, 'transport' | 'messageLocations' | 'hooks' | 'hookTimeoutMs' | 'telemetry' | 'websocket'> {
  const websocket = optionReader({ group: 'websocket', schema: WEBSOCKET, given: given.websocket });
  return {
    transport: Object.freeze(resolveTransportOptions(given, options, context)),
    messageLocations: Object.freeze(resolveMessageLocations(given.rpc)),
    hooks: Object.freeze(resolveHooks(options, given)),
    hookTimeoutMs: options('hookTimeout'),
    telemetry: options('telemetry'),
    websocket: Object.freeze({ closeOnExpiry: websocket('closeOnExpiry') }),
  };
}

/** Messages have headers in every mode of transport, because no browser sends them. */
function resolveMessageLocations(given: TokenModuleOptions['rpc']): readonly TokenLocation[] {
  const field = optionReader({ group: 'rpc', schema: RPC, given })('field');
  return field === undefined ? ['header'] : ['header', { body: field }];
}

function resolveHooks(options: ModuleReader, { loadUser: given }: TokenModuleOptions): RequestOptions['hooks'] {
  const [claims, onEvent, errorBody] = [options('claims'), options('onEvent'), options('errorBody')];
  const { loadUser, cacheUserMs } = resolveLoadUser(given);
  const hooks = { ...(loadUser && { loadUser }), ...(claims && { claims }), ...(onEvent && { onEvent }), ...(errorBody && { errorBody }) };
  return { ...hooks, cacheUserMs };
}

function resolveLoadUser(given: TokenModuleOptions['loadUser']): Pick<RequestOptions['hooks'], 'loadUser' | 'cacheUserMs'> {
  if (given === undefined) return { cacheUserMs: null };
  if (typeof given === 'function') return { loadUser: given, cacheUserMs: null };
  const cached = optionReader({ group: 'loadUser', schema: CACHED_USER, given });
  return { loadUser: cached('load'), cacheUserMs: cached('cacheFor') };
}

function resolvePush(options: ModuleReader, warnings: string[]): RevocationPush | null {
  const [push, revocation] = [options('push'), options('revocation')];
  if (push && revocation !== 'poll') warnings.push(`push: does nothing with revocation: '${revocation}'`);
  return push ?? null;
}

/**
 * A statement that had to wait in the database carries an old time, so the wait for a lock is limited to a quarter of the grace period
 * (docs/rotation.md §3).
 */
function resolvePatience(timeoutMs: number, graceMs: number): StorePatience {
  return { timeoutMs, lockTimeoutMs: Math.max(1, Math.floor(Math.min(timeoutMs, graceMs / 4))) };
}

function resolveJanitor(given: TokenModuleOptions['janitor']): number | null {
  return given === false ? null : optionReader({ group: 'janitor', schema: MODULE.janitor.options, given })('interval');
}
