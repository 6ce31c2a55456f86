import { TokenOptionsError } from '../errors/token.errors.js';
import type { AccessOptions } from '../access-token/access.options.js';
import type { TokenKey } from '../keys/key.options.js';
import type { RefreshKey, RefreshOptions } from '../session/refresh.options.js';
import type { HeaderOptions } from '../transport/header.options.js';
import type { TokenModuleExtras } from './extras.options.js';
import type { TokenModuleOptions } from './token.options.js';

/**
 * The compiler demands every key of a type, so that the list cannot fall behind it. `true`: the key may be left out; `false`: it may not,
 * or something else has to take its place.
 */
type Keys<T> = { readonly [Key in keyof Required<T>]: object extends Pick<T, Key> ? boolean : false };

/** Known when a module is declared: these never come from a factory. */
export const EXTRA_KEYS: Keys<TokenModuleExtras> = {
  isGlobal: true,
  globalGuard: true,
  name: true,
  dataSource: true,
  repository: true,
  passportStrategy: true,
};

const MODULE: Keys<TokenModuleOptions> = {
  issuer: false,
  audience: true,
  secret: false,
  keys: true,
  access: true,
  refresh: true,
  transport: true,
  header: true,
  loadUser: true,
  claims: true,
  hookTimeout: true,
  revocation: true,
  push: true,
  storeTimeout: true,
  janitor: true,
  onEvent: true,
  errorBody: true,
};
const ACCESS: Keys<AccessOptions> = { lifetime: true, maxLifetime: true, jitter: true, leeway: true, cache: true };
const CACHE: Keys<Exclude<NonNullable<AccessOptions['cache']>, false>> = { max: true };
const REFRESH: Keys<RefreshOptions> = {
  secret: true,
  keys: true,
  grace: true,
  idleLifetime: true,
  absoluteLifetime: true,
  limit: true,
  reuse: true,
  recoverLost: true,
};
const LIMIT: Keys<Exclude<NonNullable<RefreshOptions['limit']>, false>> = { max: false, per: false };
const HEADER: Keys<HeaderOptions> = { access: true, refresh: true, expiresIn: true, scheme: true };
const JANITOR: Keys<Exclude<NonNullable<TokenModuleOptions['janitor']>, false>> = { interval: true };
const KEY: Keys<TokenKey> = { kid: true, algorithm: false, key: false, use: false };
const REFRESH_KEY: Keys<RefreshKey> = { kid: true, secret: false, use: false };

const ALGORITHMS = ['HS256', 'HS384', 'HS512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'];

/**
 * Refuses what is unknown, misspelt, `null` or `undefined` (a missing environment variable) anywhere in the options.
 * @throws {TokenOptionsError} naming the key.
 */
export function requireKnownKeys(given: TokenModuleOptions): void {
  requireKeys('options', given, MODULE);
  const { access, refresh, header, janitor, keys, transport } = given;
  requireShape('transport', [undefined, 'header'].includes(transport), `'header': the other transports come with a later version`);
  requireKeys('access', access, ACCESS);
  requireKeys('access.cache', orFalse(access?.cache), CACHE);
  requireKeys('refresh', refresh, REFRESH);
  requireKeys('refresh.limit', orFalse(refresh?.limit), LIMIT);
  requireKeys('header', header, HEADER);
  requireKeys('janitor', orFalse(janitor), JANITOR);
  for (const [index, key] of list('keys', keys).entries()) {
    requireKeys(`keys[${index}]`, key, KEY);
    requireShape(`keys[${index}].algorithm`, ALGORITHMS.includes(key.algorithm), `one of ${ALGORITHMS.join(', ')}`);
    requireShape(`keys[${index}].use`, ['sign', 'verify'].includes(key.use), `'sign' or 'verify'`);
  }
  for (const [index, key] of list('refresh.keys', refresh?.keys).entries()) requireKeys(`refresh.keys[${index}]`, key, REFRESH_KEY);
}

/** @throws {TokenOptionsError} unless the check holds. */
export function requireShape(option: string, holds: boolean, wanted: string): void {
  if (!holds) throw new TokenOptionsError(option, `is not ${wanted}`);
}

/**
 * Refuses unknown keys, and `undefined` and `null` for a value, in one group of options. An absent group passes.
 * @throws {TokenOptionsError}
 */
export function requireKeys(option: string, group: unknown, known: Readonly<Record<string, boolean>>): void {
  if (group === undefined) return;
  requireShape(option, typeof group === 'object' && group !== null && !Array.isArray(group), 'an object');
  const prefix = option === 'options' ? '' : `${option}.`;
  for (const [key, value] of Object.entries(group as object)) {
    if (!Object.hasOwn(known, key)) throw new TokenOptionsError(`${prefix}${key}`, unknownKey(option, key, known));
    if (value === undefined || value === null) {
      const remedy = known[key] === true ? ' Leave the key out to use the default' : '';
      throw new TokenOptionsError(`${prefix}${key}`, `is ${value}: is the environment variable set?${remedy}`);
    }
  }
}

function unknownKey(option: string, key: string, known: object): string {
  if (option === 'options' && Object.hasOwn(EXTRA_KEYS, key)) {
    return 'comes too late from a factory: the module is declared by then. Write it next to useFactory, useClass or useExisting';
  }
  return `is not an option; ${option} takes ${Object.keys(known).join(', ')}`;
}

function list<T>(option: string, value: readonly T[] | undefined): readonly T[] {
  requireShape(option, value === undefined || Array.isArray(value), 'a list');
  return value ?? [];
}

/** `false` switches some groups off. */
function orFalse<T>(group: T | false): T | undefined {
  return group === false ? undefined : group;
}
