import type { SetCookie } from 'cookie';
import { stringifySetCookie } from 'cookie';
import type { CookieSameSite, CookieSettings } from './cookie.options.js';
import { cookieValues } from './request-cookies.js';
import type { ResponseTokens } from './response-tokens.js';
import { shadowScopesOf } from './shadow-scopes.js';
import { isAbsent } from './token-readers.js';
import type { Credential, IssuedTokens, TokenRequest } from './token-transport.js';

/** The largest cookie that browsers store: name, value and `=` together (RFC 6265bis §5.7). */
const MAX_COOKIE_BYTES = 4_096;
/** Ends the value of a refresh cookie that ends with the browser session. A rotation must know it, and the server does not store it. */
const SESSION_MARK = '.session';

/** Says which of our cookies is meant. */
type CookieKey = keyof CookieSettings['names'];

/** What a response sets. Without `maxAge`, in seconds, the cookie ends with the browser session. */
interface NewCookie {
  readonly value: string;
  readonly maxAge: number | undefined;
  readonly isDeliverable: () => boolean;
}

/**
 * Returns the largest number of characters that an access token may have in its cookie. A refresh token has a fixed length, so only an
 * access token can be too long.
 */
export function maxAccessLengthOf({ names }: Pick<CookieSettings, 'names'>): number {
  return MAX_COOKIE_BYTES - names.access.length - 1;
}

/** Tokens in cookies, and new ones in `Set-Cookie`. */
export class CookiePlace {
  /**
   * Whether a browser may hold several cookies of a name, so that shadows are possible. It keeps a `__Host-` cookie to one host and one
   * path (RFC 6265bis §4.1.3.2), but a partitioned one stands next to one that is not, which an earlier version of the application may have
   * set.
   */
  private readonly isShadowed: Readonly<Record<CookieKey, boolean>>;

  constructor(private readonly settings: CookieSettings) {
    const { access, refresh, csrf } = settings.names;
    const isShadowed = (name: string): boolean => !name.startsWith('__Host-') || settings.partitioned;
    this.isShadowed = { access: isShadowed(access), refresh: isShadowed(refresh), csrf: isShadowed(csrf) };
  }

  /**
   * If cookies of the name carry different tokens (rivals), nobody knows which one is ours. No access token is returned then, so that the
   * refresh token decides.
   */
  readAccess(request: TokenRequest): Credential | undefined {
    const found = this.find(request, 'access');
    return found?.rivals ? undefined : found;
  }

  readRefresh(request: TokenRequest): Credential | undefined {
    const found = this.find(request, 'refresh');
    if (!found) return undefined;
    const { token, rivals } = found;
    const persistent = !token.endsWith(SESSION_MARK) && !rivals?.some((rival) => rival.endsWith(SESSION_MARK));
    const credential: Credential = { token: withoutMark(token), source: 'cookie', persistent };
    return rivals ? { ...credential, rivals: rivals.map(withoutMark) } : credential;
  }

  readCsrf({ headers }: TokenRequest): string | undefined {
    return cookieValues(headers.cookie, this.settings.names.csrf)[0];
  }

  writeAccess(tokens: ResponseTokens, issued: IssuedTokens, persistent: boolean): void {
    const maxAge = persistent ? issued.expiresIn : undefined;
    this.set(tokens, 'access', { value: issued.accessToken, maxAge, isDeliverable: () => issued.deliverable !== 'none' });
  }

  writeRefresh(tokens: ResponseTokens, issued: IssuedTokens, persistent: boolean): void {
    const { refreshToken } = issued;
    if (refreshToken === undefined) return;
    const [value, maxAge] = persistent ? [refreshToken, issued.refreshExpiresIn] : [refreshToken + SESSION_MARK, undefined];
    this.set(tokens, 'refresh', { value, maxAge, isDeliverable: () => issued.deliverable === 'both' });
  }

  /**
   * The CSRF cookie ends with the browser session. If it is lost, the next response brings another one. With a pair, it is of no use once
   * the session of the pair has been revoked, and the browser may have the one of another sign-in by then.
   */
  writeCsrf(tokens: ResponseTokens, token: string, issued?: IssuedTokens): void {
    this.set(tokens, 'csrf', { value: token, maxAge: undefined, isDeliverable: () => issued?.deliverable !== 'none' });
  }

  /**
   * Deletes our cookies.
   * @param request the request whose refresh token was found worthless. It may have come from a cookie of another path or domain, which the
   * browser would send again with every request.
   */
  clear(tokens: ResponseTokens, request?: TokenRequest): void {
    for (const cookie of ['access', 'refresh', 'csrf'] as const)
      this.set(tokens, cookie, { value: '', maxAge: 0, isDeliverable: () => true });
    if (request && this.valuesOf(request, 'refresh').size > 0) this.deleteShadows(tokens, request, 'refresh');
  }

  /**
   * Deletes the shadows of one of our cookies: those with its name for another domain or path that the address of the request allows. Ours
   * stays. Another response has to do the same for the next name, because proxies limit the size of a response's head.
   * @param isMismatch whether the access token has expired and belongs to another session than the refresh token. Its cookie is deleted
   * then, so that it does not keep the session of the refresh token from being used.
   */
  heal(tokens: ResponseTokens, request: TokenRequest, isMismatch = false): void {
    const cookie = (['refresh', 'access', 'csrf'] as const).find((one) => this.isShadowed[one] && this.valuesOf(request, one).size > 1);
    if (cookie) this.deleteShadows(tokens, request, cookie);
    if (cookie || !isMismatch || this.valuesOf(request, 'access').size === 0) return;
    this.set(tokens, 'access', { value: '', maxAge: 0, isDeliverable: () => true });
    this.deleteShadows(tokens, request, 'access');
  }

  private valuesOf({ headers }: TokenRequest, cookie: CookieKey): ReadonlySet<string> {
    return new Set(cookieValues(headers.cookie, this.settings.names[cookie]));
  }

  private deleteShadows(tokens: ResponseTokens, request: TokenRequest, cookie: CookieKey): void {
    if (!this.isShadowed[cookie]) return;
    const name = this.settings.names[cookie];
    const { secure, sameSite } = this.attributesOf(cookie);
    // As short as can be. With `none` alone, a browser takes a cookie from the response to a page of another site.
    const attributes = { ...(secure === true && { secure }), maxAge: 0, ...(sameSite === 'none' && { sameSite }) };
    for (const scope of shadowScopesOf(request, this.settings)) {
      if (name.startsWith('__Host-') && (scope.domain !== undefined || scope.path !== '/')) continue;
      tokens.deleteCookie(stringifySetCookie({ name, value: '', ...attributes, ...scope }));
    }
  }

  private find({ headers }: TokenRequest, cookie: 'access' | 'refresh'): Credential | undefined {
    const values = cookieValues(headers.cookie, this.settings.names[cookie]);
    const token = values.find((value) => !isAbsent(value));
    if (token === undefined) return undefined;
    if (values.length === 1 || !this.isShadowed[cookie]) return { token, source: 'cookie' };
    const rivals = values.filter((value) => value !== token && !isAbsent(value));
    return rivals.length > 0 ? { token, source: 'cookie', rivals } : { token, source: 'cookie' };
  }

  private set(tokens: ResponseTokens, cookie: CookieKey, { value, maxAge, isDeliverable }: NewCookie): void {
    const name = this.settings.names[cookie];
    const line = stringifySetCookie({ name, value, ...this.attributesOf(cookie), ...(maxAge !== undefined && { maxAge }) });
    tokens.setCookie(name, { value: line, isDeliverable });
  }

  private attributesOf(cookie: CookieKey): Omit<SetCookie, 'name' | 'value'> {
    const { sameSite, domain, path, secure, partitioned } = this.settings;
    const own: CookieSameSite = cookie === 'refresh' ? sameSite.refresh : sameSite.access;
    return { httpOnly: cookie !== 'csrf', secure, partitioned, path, sameSite: own, ...(domain !== undefined && { domain }) };
  }
}

function withoutMark(value: string): string {
  return value.endsWith(SESSION_MARK) ? value.slice(0, -SESSION_MARK.length) : value;
}
