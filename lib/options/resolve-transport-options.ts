import type { CsrfOptions, CsrfSettings } from '../authentication/csrf.options.js';
import type { CookieOptions, CookieSameSite, CookieSettings } from '../transport/cookie.options.js';
import type { HeaderOptions } from '../transport/header.options.js';
import type { TokenLocation } from '../transport/token-location.js';
import type { TransportMode } from '../transport/standard-transport.js';
import { DEFAULT_NAME } from '../keys/key-ring.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import { COOKIE, COOKIE_SAME_SITE } from './cookie.schema.js';
import { CSRF, CSRF_SHORTHANDS } from './csrf.schema.js';
import { HEADER } from './header.schema.js';
import type { ModuleReader } from './module-reader.js';
import { optionReader } from './option-reader.js';
import type { TokenModuleOptions } from './token.options.js';

/** The resolved options of where tokens travel, and of how requests that carry them in cookies are protected. */
export interface ResolvedTransportOptions {
  readonly mode: TransportMode;
  readonly locations: readonly TokenLocation[];
  /** Whether any token may come in a cookie. */
  readonly usesCookies: boolean;
  readonly header: Readonly<Required<HeaderOptions>>;
  readonly cookie: CookieSettings;
  readonly csrfHeader: string;
  /** Null if there is no protection against cross-site requests. */
  readonly csrf: CsrfSettings | null;
}

/** What the names of cookies and the warnings depend on. */
export interface TransportContext {
  /** Name of the instance. */
  readonly name: string;
  readonly warnings: string[];
}

/** The options that say where tokens travel. */
export type TransportOptions = Pick<TokenModuleOptions, 'transport' | 'header' | 'cookie' | 'csrf' | 'locations'>;

/** @throws {TokenOptionsError} naming the first option that is wrong. */
export function resolveTransportOptions(
  given: TransportOptions,
  options: ModuleReader,
  context: TransportContext,
): ResolvedTransportOptions {
  const mode = options('transport');
  const own = mode === 'cookie' ? 'cookie' : 'header';
  const locations = options('locations') ?? [own];
  // A new access token must be found by the next request.
  if (!locations.includes(own)) {
    throw new TokenOptionsError('locations', `does not contain '${own}', where transport: '${mode}' puts new access tokens`);
  }
  const usesCookies = mode !== 'header' || locations.includes('cookie');
  const cookie = resolveCookie(given.cookie, context, usesCookies);
  const csrf = optionReader({ group: 'csrf', schema: CSRF, given: csrfGroupOf(given.csrf) });
  const header = resolveHeader(given.header, csrf('header'));
  if (given.csrf === false) requireProtection(cookie, context, usesCookies);
  const settings: CsrfSettings = {
    mode: csrf('mode'),
    origins: new Set(csrf('origins')),
    trustSameSite: csrf('trustSameSite'),
    allowHttp: !cookie.secure,
  };
  const csrfSettings = given.csrf === false ? null : Object.freeze(settings);
  return { mode, locations: Object.freeze([...locations]), usesCookies, header, cookie, csrfHeader: csrf('header'), csrf: csrfSettings };
}

/** Returns the group of options, also where a text is short for it. */
function csrfGroupOf(given: TransportOptions['csrf']): CsrfOptions | undefined {
  return given === false ? undefined : typeof given === 'string' ? CSRF_SHORTHANDS[given] : given;
}

function resolveHeader(given: HeaderOptions | undefined, csrf: string): Required<HeaderOptions> {
  const header = optionReader({ group: 'header', schema: HEADER, given });
  const names = { access: header('access'), refresh: header('refresh'), expiresIn: header('expiresIn') };
  const seen = new Set<string>([csrf.toLowerCase()]);
  for (const [option, name] of Object.entries(names)) {
    if (seen.has(name.toLowerCase())) throw new TokenOptionsError(`header.${option}`, 'is the name of another token header too');
    seen.add(name.toLowerCase());
  }
  return Object.freeze({ ...names, scheme: header('scheme') });
}

function resolveCookie(given: CookieOptions | undefined, { name, warnings }: TransportContext, isUsed: boolean): CookieSettings {
  const option = optionReader({ group: 'cookie', schema: COOKIE, given });
  const sameSite = optionReader({ group: 'cookie.sameSite', schema: COOKIE_SAME_SITE, given: given?.sameSite });
  const [domain, path, secure] = [option('domain'), option('path'), !option('insecure')];
  const prefix = !secure ? '' : domain === undefined && path === '/' ? '__Host-' : '__Secure-';
  const own = name === DEFAULT_NAME ? prefix : `${prefix}${name}-`;
  const settings = {
    names: {
      access: option('access') ?? `${own}access`,
      refresh: option('refresh') ?? `${own}refresh`,
      csrf: option('csrf') ?? `${own}csrf`,
    },
    sameSite: { access: sameSite('access'), refresh: sameSite('refresh') },
    ...{ domain, path, secure, partitioned: option('partitioned'), persistent: option('persistent') },
  };
  requireDifferentNames(settings.names);
  Object.entries(settings.names).forEach(([key, value]) => requirePrefix(`cookie.${key}`, value, settings));
  Object.entries(settings.sameSite).forEach(([key, value]) => requireSecure(`cookie.sameSite.${key}`, value, settings));
  if (!secure && process.env.NODE_ENV === 'production') {
    throw new TokenOptionsError('cookie.insecure', 'is for development: with NODE_ENV=production, cookies are sent over https only');
  }
  if (isUsed) warnings.push(...weaknessesOf(settings));
  return Object.freeze(settings);
}

function requireDifferentNames(names: CookieSettings['names']): void {
  const seen = new Set<string>();
  for (const [key, name] of Object.entries(names)) {
    if (seen.has(name)) throw new TokenOptionsError(`cookie.${key}`, 'is the name of another token cookie too');
    seen.add(name);
  }
}

/** A browser drops a cookie whose attributes do not fit the prefix of its name (RFC 6265bis §4.1.3). It ignores the case of a prefix. */
function requirePrefix(option: string, name: string, { domain, path, secure }: CookieSettings): void {
  const lower = name.toLowerCase();
  if (lower.startsWith('__host-') && (domain !== undefined || path !== '/' || !secure)) {
    throw new TokenOptionsError(option, 'begins with __Host-, which does not go with `cookie.domain`, `cookie.path` or `cookie.insecure`');
  }
  if (lower.startsWith('__secure-') && !secure)
    throw new TokenOptionsError(option, 'begins with __Secure-, which does not go with `cookie.insecure`');
}

/** A browser drops a cookie with `SameSite=None` or `Partitioned` that is not `Secure`. */
function requireSecure(option: string, sameSite: CookieSameSite, { secure, partitioned }: CookieSettings): void {
  if (secure) return;
  if (sameSite === 'none')
    throw new TokenOptionsError(option, "is 'none', which browsers accept from Secure cookies only; remove `cookie.insecure`");
  if (partitioned) throw new TokenOptionsError('cookie.partitioned', 'needs Secure cookies; remove `cookie.insecure`');
}

function weaknessesOf({ names, sameSite, domain, secure }: CookieSettings): string[] {
  const unprefixed = Object.values(names).filter((name) => !name.startsWith('__Host-'));
  return [
    ...(secure ? [] : ['cookie.insecure: tokens travel in clear over plain http, for development only']),
    ...(domain === undefined ? [] : [`cookie.domain: every subdomain of ${domain} receives the tokens and can replace them`]),
    ...(secure && domain === undefined && unprefixed.length > 0
      ? [`cookie: without the prefix __Host- a subdomain can shadow ${unprefixed.join(', ')}`]
      : []),
    ...(sameSite.access === 'none' ? ["cookie.sameSite.access: 'none' sends the access token with requests of every site"] : []),
    ...(sameSite.refresh === 'strict' ? [] : [`cookie.sameSite.refresh: '${sameSite.refresh}' is weaker than 'strict'`]),
  ];
}

/** Warns if the protection is off, and refuses `SameSite=None` then: `SameSite` is all that is left to keep other sites out. */
function requireProtection({ sameSite }: CookieSettings, { warnings }: TransportContext, isUsed: boolean): void {
  if (!isUsed) return;
  if (Object.values(sameSite).includes('none')) {
    throw new TokenOptionsError('csrf', "is false together with SameSite 'none', so that every site could send requests as the user");
  }
  warnings.push('csrf: requests from other sites are not refused, apart from what SameSite keeps out');
}
