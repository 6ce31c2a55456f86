import type { AccessTokenSettings } from '../access-token/access-token.service.js';
import type { KeyRing } from '../keys/key-ring.js';
import type { LoadUserHook } from '../principal/hook.options.js';
import type { RevocationPush } from '../revocation/revocation-push.js';
import type { StorePatience } from '../session/token-repository.js';
import type { CsrfKeyRing } from '../authentication/csrf-tokens.js';
import { requireKnownKeys } from './known-keys.js';
import { CACHED_USER, MODULE } from './module.schema.js';
import { optionReader, ROOT } from './option-reader.js';
import { requireKeyKinds, resolveAccessKeys, resolveAccessOptions } from './resolve-access-options.js';
import { resolveCsrfKeys } from './resolve-refresh-keys.js';
import type { ResolvedTransportOptions } from './resolve-transport-options.js';
import { resolveTransportOptions } from './resolve-transport-options.js';
import type { ResolvedLegacyOptions } from './resolve-legacy-options.js';
import { resolveLegacyOptions } from './resolve-legacy-options.js';
import type { ResolvedRefreshOptions } from './resolve-refresh-options.js';
import { resolveRefreshOptions } from './resolve-refresh-options.js';
import type { ResolvedSessionsOptions } from './resolve-sessions-options.js';
import { resolveSessionsOptions } from './resolve-sessions-options.js';
import type { TokenModuleOptions } from './token.options.js';

/**
 * Every option, checked and with its default. Spans are milliseconds and keys are key objects. The rest of the package sees nothing else of
 * the options.
 */
export interface ResolvedTokenOptions {
  readonly access: AccessTokenSettings & { readonly ring: KeyRing };
  readonly refresh: ResolvedRefreshOptions;
  readonly transport: ResolvedTransportOptions;
  readonly csrfKeys: CsrfKeyRing;
  readonly sessions: ResolvedSessionsOptions;
  readonly hooks: Readonly<Pick<TokenModuleOptions, 'claims' | 'onEvent' | 'errorBody'>> & {
    readonly loadUser?: LoadUserHook;
    /** How long a user is kept, in milliseconds. Null means that every request asks `loadUser`. */
    readonly cacheUserMs: number | null;
  };
  /** Milliseconds. */
  readonly hookTimeoutMs: number;
  /** Null if there are no tokens of another system. */
  readonly legacy: ResolvedLegacyOptions | null;
  readonly revocation: 'poll' | 'strict' | 'off';
  /** Null: revocations arrive with the next poll. */
  readonly push: RevocationPush | null;
  readonly patience: StorePatience;
  readonly preparedStatements: boolean;
  /** Milliseconds. Null disables the janitor. */
  readonly janitorMs: number | null;
  /** What is allowed but doubtful, for the log at start-up. */
  readonly warnings: readonly string[];
}

/**
 * Checks all options against their schema and against each other, and adds the defaults.
 *
 * @param name the name of the module instance.
 * @throws {TokenOptionsError} naming the first option that is wrong, and how to correct it. No message contains a secret.
 */
export function resolveTokenOptions(given: TokenModuleOptions, name: string): ResolvedTokenOptions {
  requireKnownKeys(given);
  const warnings: string[] = [];
  const options = moduleReader(given);
  options('transport');
  options('locations');
  requireKeyKinds(given.keys);
  const issuer = options('issuer');
  const { ring, secret } = resolveAccessKeys(given, { issuer, name, warnings });
  const access = resolveAccessOptions(given.access, { issuer, audience: options('audience') });
  const refresh = resolveRefreshOptions(given.refresh, { issuer, name, secret, access, warnings });
  return Object.freeze({
    access: Object.freeze({ ...access, ring }),
    refresh: Object.freeze(refresh),
    transport: Object.freeze(resolveTransportOptions(given, { name, warnings })),
    csrfKeys: resolveCsrfKeys(refresh.ring, { issuer, name }),
    sessions: Object.freeze(resolveSessionsOptions(given.sessions)),
    hooks: Object.freeze(resolveHooks(options, given)),
    hookTimeoutMs: options('hookTimeout'),
    legacy: resolveLegacyOptions(given.legacy),
    revocation: options('revocation'),
    push: resolvePush(options, warnings),
    patience: Object.freeze(resolvePatience(options('storeTimeout'), refresh.rules.graceMs)),
    preparedStatements: options('preparedStatements'),
    janitorMs: resolveJanitor(given.janitor),
    warnings: Object.freeze(warnings),
  });
}

type ModuleReader = ReturnType<typeof moduleReader>;

/** The type of the reader follows from the schema. */
function moduleReader(given: TokenModuleOptions) {
  return optionReader({ group: ROOT, schema: MODULE, given });
}

function resolveHooks(options: ModuleReader, { loadUser: given }: TokenModuleOptions): ResolvedTokenOptions['hooks'] {
  const [claims, onEvent, errorBody] = [options('claims'), options('onEvent'), options('errorBody')];
  const { loadUser, cacheUserMs } = resolveLoadUser(given);
  const hooks = { ...(loadUser && { loadUser }), ...(claims && { claims }), ...(onEvent && { onEvent }), ...(errorBody && { errorBody }) };
  return { ...hooks, cacheUserMs };
}

function resolveLoadUser(given: TokenModuleOptions['loadUser']): Pick<ResolvedTokenOptions['hooks'], 'loadUser' | 'cacheUserMs'> {
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
