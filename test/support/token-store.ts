import { CookieJar } from 'tough-cookie';
import type { IncomingHttpHeaders } from 'node:http';
import type { TransportMode } from 'nestjs-token';
import { SITE } from './browser.js';
import { partsOf } from './refresh-token.js';

/** Both ways that tokens travel, for tests that run once for each. */
export const TRANSPORTS = ['header', 'cookie'] as const;

const ACCESS = '__Host-access';
const REFRESH = '__Host-refresh';

/** Which of its tokens a client sends. */
export type Selection = 'access' | 'refresh' | 'both';

/** What a store needs to know of a response. */
export interface ResponseParts {
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** The tokens that a response carries, wherever they stand. */
export interface ReceivedTokens {
  readonly access: string | undefined;
  readonly refresh: string | undefined;
  /** Names of the cookies that the response deletes. */
  readonly deleted: readonly string[];
  /** Whether a token that belongs into a cookie stands anywhere else as well. */
  readonly isExposed: boolean;
}

/** The tokens on a response of an application with this transport. */
export function tokensOn(transport: TransportMode, { headers, text }: ResponseParts): ReceivedTokens {
  const lines = (headers['set-cookie'] ?? []).map((line) => /^(?<name>[^=]+)=(?<value>[^;]*)/.exec(line)!.groups!);
  const cookie = (name: string): string | undefined => lines.findLast((line) => line['name'] === name)?.['value'] || undefined;
  const elsewhere = JSON.stringify({ ...headers, 'set-cookie': undefined }) + text;
  const access = transport === 'cookie' ? cookie(ACCESS) : headers.authorization?.replace('Bearer ', '');
  const refresh = transport === 'header' ? (headers['x-refresh-token'] as string | undefined) : cookie(REFRESH);
  const secret = [transport === 'cookie' ? access : undefined, transport === 'header' ? undefined : refresh];
  return {
    access,
    refresh,
    deleted: lines.filter(({ value }) => value === '').map(({ name }) => name!),
    isExposed: secret.some((token) => token !== undefined && elsewhere.includes(token)),
  };
}

/**
 * Where a client keeps its tokens. With headers it is an application's own store, which never goes back to an older refresh token. With cookies
 * it is a browser's jar: it takes what comes last, drops what is over, and deletes what it is told to delete.
 */
export class TokenStore {
  private held: { access?: string | undefined; refresh?: string | undefined } = {};
  private jar = new CookieJar(undefined, { prefixSecurity: 'strict' });
  private readonly inCookies: Readonly<Record<'access' | 'refresh', boolean>>;

  constructor(readonly transport: TransportMode) {
    this.inCookies = { access: transport === 'cookie', refresh: transport !== 'header' };
  }

  get access(): string | undefined {
    return this.inCookies.access ? this.cookie(ACCESS) : this.held.access;
  }

  set access(token: string | undefined) {
    if (this.inCookies.access) this.put(ACCESS, token);
    else this.held.access = token;
  }

  get refresh(): string | undefined {
    return this.inCookies.refresh ? this.cookie(REFRESH) : this.held.refresh;
  }

  set refresh(token: string | undefined) {
    if (this.inCookies.refresh) this.put(REFRESH, token);
    else this.held.refresh = token;
  }

  copy(): TokenStore {
    const copy = new TokenStore(this.transport);
    copy.held = { ...this.held };
    copy.jar = this.jar.cloneSync()!;
    return copy;
  }

  /** Takes in what a response brings, and says what that is. */
  receive(response: ResponseParts): ReceivedTokens {
    const received = tokensOn(this.transport, response);
    for (const line of response.headers['set-cookie'] ?? []) this.jar.setCookieSync(line, SITE, { sameSiteContext: 'strict' });
    const { access, refresh } = received;
    if (!this.inCookies.access && access !== undefined) this.held.access = access;
    const isBehind = refresh !== undefined && this.held.refresh !== undefined && !isNewer(refresh, this.held.refresh);
    if (!this.inCookies.refresh && refresh !== undefined && !isBehind) this.held.refresh = refresh;
    return received;
  }

  /**
   * What is sent with a request. Where both tokens are in cookies, a browser sends the access token alone with a link from another site, because
   * the refresh cookie is `SameSite=Strict`, and the refresh token alone once the access cookie is over.
   */
  headers(selection: Selection, method = 'GET'): Record<string, string> {
    const [access, refresh] = [selection !== 'refresh', selection !== 'access'];
    const inHeaders = {
      ...(access && !this.inCookies.access && { authorization: `Bearer ${this.held.access ?? ''}` }),
      ...(refresh && !this.inCookies.refresh && { 'x-refresh-token': this.held.refresh ?? '' }),
    };
    return this.transport === 'header' ? inHeaders : { ...inHeaders, ...this.cookieHeaders(selection, method) };
  }

  private cookieHeaders(selection: Selection, method: string): Record<string, string> {
    if (selection === 'access' && this.inCookies.access) {
      return { ...FROM_A_LINK, ...headerOf(this.cookies('lax')) };
    }
    const own = { ...FROM_THE_PAGE, ...(method !== 'GET' && { origin: SITE }) };
    // `credentials: 'omit'`: the access token is in a header.
    if (selection === 'access') return own;
    return { ...own, ...headerOf(this.cookies('strict').filter(({ key }) => selection === 'both' || key !== ACCESS)) };
  }

  private cookie(name: string): string | undefined {
    return this.cookies('strict').find(({ key }) => key === name)?.value;
  }

  private cookies(sameSiteContext: 'strict' | 'lax'): readonly { key: string; value: string }[] {
    return this.jar.getCookiesSync(SITE, { sameSiteContext });
  }

  private put(name: string, token: string | undefined): void {
    const attributes = `Path=/; Secure; HttpOnly; SameSite=${name === REFRESH ? 'Strict' : 'Lax'}`;
    const line = token ? `${name}=${token}; ${attributes}` : `${name}=; Max-Age=0; ${attributes}`;
    this.jar.setCookieSync(line, SITE, { sameSiteContext: 'strict' });
  }
}

const FROM_THE_PAGE = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' };
const FROM_A_LINK = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

function headerOf(cookies: readonly { key: string; value: string }[]): Record<string, string> {
  return cookies.length === 0 ? {} : { cookie: cookies.map(({ key, value }) => `${key}=${value}`).join('; ') };
}

/** Whether the one refresh token stands behind the other in their session. */
export function isNewer(one: string, other: string): boolean {
  const [a, b] = [partsOf(one), partsOf(other)];
  return a.generation > b.generation || (a.generation === b.generation && a.branch > b.branch);
}

/** The request headers of a client that sends what it is given, and nothing else. */
export function carrying(
  transport: TransportMode,
  { access, refresh }: { access?: string | undefined; refresh?: string | undefined },
): Record<string, string> {
  const store = new TokenStore(transport);
  store.access = access;
  store.refresh = refresh;
  return store.headers(access === undefined ? 'refresh' : refresh === undefined ? 'access' : 'both');
}
