import type { Cookie } from 'tough-cookie';
import type { Answer, CallOptions } from './app.js';
import { call } from './app.js';
import { BrowserJar } from './browser-jar.js';

/** Which headers a browser sends about where a request comes from. `old` is one from before Fetch Metadata, `tool` is no browser. */
export type BrowserKind = 'chromium' | 'firefox' | 'safari' | 'old' | 'tool';

/** The page that sends a request, and how. */
export interface PageOptions extends CallOptions {
  /** Origin of the page. `null` is a person who enters an address. @defaultValue the own origin */
  from?: string | null;
}

/** Where the application seems to be. The tests reach it over plain http, as it is behind a proxy that ends TLS. */
export const SITE = 'https://app.example.com';

/** Who browses where. */
export interface BrowserSettings {
  /** @defaultValue 'chromium' */
  kind?: BrowserKind;
  /** Origin of the application. @defaultValue {@link SITE} */
  site?: string;
  /** Dates the lifetimes of cookies. @defaultValue the system's clock */
  clock?: { now(): number };
}

/** A browser with its cookies. It keeps to RFC 6265bis: prefixes, `SameSite`, domains, paths and lifetimes. */
export class Browser {
  readonly jar = new BrowserJar();

  readonly kind: BrowserKind;
  readonly site: string;
  /** When each cookie was stored. A cookie that replaces another one keeps its date of creation (RFC 6265bis §5.7). */
  private readonly storedAt = new WeakMap<Cookie, number>();

  constructor(
    readonly port: number,
    private readonly settings: BrowserSettings = {},
  ) {
    this.kind = settings.kind ?? 'chromium';
    this.site = settings.site ?? SITE;
  }

  /** `fetch(path, { credentials: 'include' })` of a page. */
  fetch(path: string, { from = this.site, method = 'GET', ...options }: PageOptions = {}): Promise<Answer> {
    const isOwn = from === this.site;
    const origin = from !== null && (!isOwn || method !== 'GET') && this.kind !== 'tool' ? { origin: from } : {};
    const metadata = this.metadata({ 'sec-fetch-site': this.siteOf(from), 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' });
    const headers = { ...origin, ...metadata, ...options.headers };
    return this.send(path, { ...options, method, headers }, isOwn || this.isSameSite(from) ? 'strict' : 'none');
  }

  /** A link, an address that was entered, or a form of a page. */
  navigate(path: string, { from = null, method = 'GET', ...options }: PageOptions = {}): Promise<Answer> {
    const metadata = this.metadata({
      'sec-fetch-site': this.siteOf(from),
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      ...(this.kind !== 'safari' && { 'sec-fetch-user': '?1' }),
    });
    const origin = method !== 'GET' && from !== null ? { origin: from } : {};
    const headers = { ...origin, ...metadata, ...options.headers };
    const isSameSite = from === null || this.isSameSite(from);
    return this.send(path, { ...options, method, headers }, isSameSite ? 'strict' : method === 'GET' ? 'lax' : 'none');
  }

  /** A resource that a page loads or prefetches, such as an image. */
  load(path: string, { from = this.site, headers = {} }: PageOptions = {}): Promise<Answer> {
    const metadata = this.metadata({ 'sec-fetch-site': this.siteOf(from), 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' });
    return this.send(path, { headers: { ...metadata, ...headers } }, this.isSameSite(from) ? 'strict' : 'none');
  }

  /** The cookies that scripts and this test can see, by name. */
  async cookies(path = '/'): Promise<Record<string, Cookie>> {
    const cookies = await this.held(path, 'strict');
    return Object.fromEntries(cookies.map((cookie) => [cookie.key, cookie]));
  }

  /** Loses a cookie, as a browser does when it needs the space. */
  async forget(name: string): Promise<void> {
    const cookie = (await this.cookies())[name];
    if (cookie) await this.jar.removeCookie(cookie);
  }

  /** Sends a request with the cookies that go with it, and with no header but those that are given. */
  async send(path: string, options: CallOptions = {}, sameSiteContext: 'strict' | 'lax' | 'none' = 'strict'): Promise<Answer> {
    const url = this.site + path;
    const cookie = (await this.held(path, sameSiteContext)).map((one) => one.cookieString()).join('; ');
    const headers = { host: new URL(this.site).host, ...(cookie !== '' && { cookie }), ...options.headers };
    const answer = await call({ port: this.port, path, ...options, headers });
    for (const line of answer.headers['set-cookie'] ?? []) {
      const stored = await this.jar.setCookie(line, url, { ignoreError: true, sameSiteContext, now: this.now() });
      if (stored) this.storedAt.set(stored, this.now().getTime());
    }
    return answer;
  }

  /** The cookies that go with a request. The jar knows no clock but the system's. */
  private async held(path: string, sameSiteContext: 'strict' | 'lax' | 'none'): Promise<Cookie[]> {
    const cookies = await this.jar.getCookies(this.site + path, { http: true, sameSiteContext, expire: false });
    return cookies.filter((cookie) => {
      const { maxAge } = cookie;
      return typeof maxAge !== 'number' || (this.storedAt.get(cookie) ?? 0) + maxAge * 1_000 > this.now().getTime();
    });
  }

  private now(): Date {
    return new Date(this.settings.clock?.now() ?? Date.now());
  }

  private metadata(headers: Record<string, string>): Record<string, string> {
    return this.kind === 'old' || this.kind === 'tool' ? {} : headers;
  }

  private siteOf(from: string | null | undefined): string {
    if (from === null || from === undefined) return 'none';
    if (from === this.site) return 'same-origin';
    return this.isSameSite(from) ? 'same-site' : 'cross-site';
  }

  /** Enough for the hosts of the tests, which end with two labels of a registrable domain. */
  private isSameSite(from: string | null | undefined): boolean {
    if (from === null || from === undefined) return true;
    const domain = (origin: string): string => new URL(origin).hostname.split('.').slice(-2).join('.');
    return domain(from) === domain(this.site);
  }
}
