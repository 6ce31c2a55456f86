/** Where the page is that sends a request, as the browser itself tells the server (`Sec-Fetch-Site`). */
export type PageOrigin = 'same-origin' | 'same-site' | 'cross-site';

/** A response, as the demo looks at it. */
export interface BrowserResponse {
  readonly status: number;
  readonly text: string;
  readonly body: Record<string, unknown>;
  /** The headers that scripts of a page can read, in one text. */
  readonly readable: string;
  readonly setCookies: readonly string[];
}

/** What the browser knows of one cookie. */
interface StoredCookie {
  readonly value: string;
  /** Epoch milliseconds. Infinity means that the cookie ends with the browser. */
  readonly expiresAt: number;
}

const PASSWORD = 'correct horse battery staple';

/** As much of a browser as the demo needs: it stores cookies, forgets those that have expired, and says where a page is. */
export class DemoBrowser {
  private readonly cookies = new Map<string, StoredCookie>();

  constructor(private readonly url: string) {}

  signIn(username: string): Promise<BrowserResponse> {
    return this.call('/auth/login', { method: 'POST', body: JSON.stringify({ username, password: PASSWORD }) });
  }

  /** Sends a request of a page, with the cookies that a browser would send along. */
  async call(path: string, init: { method?: string; body?: string } = {}, from: PageOrigin = 'same-origin'): Promise<BrowserResponse> {
    const cookie = this.sentFrom(from);
    const headers = { 'sec-fetch-site': from, 'content-type': 'application/json', ...(cookie !== '' && { cookie }) };
    const response = await fetch(this.url + path, { ...init, headers });
    const setCookies = response.headers.getSetCookie();
    setCookies.forEach((line) => this.store(line));
    const readable = [...response.headers].filter(([name]) => name !== 'set-cookie').join('\n');
    const text = await response.text();
    const body = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
    return { status: response.status, text, body, readable, setCookies };
  }

  /** Returns the value of a cookie, or undefined if the browser has none of this name. */
  valueOf(name: string): string | undefined {
    return this.live().find(([own]) => own === name)?.[1].value;
  }

  /** The names of all cookies. */
  get names(): string[] {
    return this.live().map(([name]) => name);
  }

  /** `SameSite` keeps cookies from pages of other sites. Pages of a subdomain get them, because to a browser that is the same site. */
  private sentFrom(from: PageOrigin): string {
    if (from === 'cross-site') return '';
    return this.live()
      .map(([name, { value }]) => `${name}=${value}`)
      .join('; ');
  }

  private live(): [string, StoredCookie][] {
    return [...this.cookies].filter(([, { expiresAt }]) => expiresAt > Date.now());
  }

  private store(line: string): void {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    const [, maxAge] = /Max-Age=(\d+)/.exec(line) ?? [];
    const expiresAt = maxAge === undefined ? Infinity : Date.now() + Number(maxAge) * 1_000;
    this.cookies.set(name, { value, expiresAt });
  }
}
