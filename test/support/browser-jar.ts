import type { Cookie, GetCookiesOptions, SetCookieOptions } from 'tough-cookie';
import { cookieCompare, CookieJar } from 'tough-cookie';

/**
 * The cookies of a browser. It tells a cookie of one host from a cookie of the domain with the same name (RFC 6265bis §5.7, step 23), as all
 * browsers do. tough-cookie keeps to RFC 6265, for which they are one, so each kind has a jar of its own.
 */
export class BrowserJar {
  private readonly hosts = emptyJar();
  private readonly domains = emptyJar();

  async setCookie(line: string, url: string, options: SetCookieOptions = {}): Promise<Cookie | undefined> {
    const jar = /;\s*domain=[^;\s]/i.test(line) ? this.domains : this.hosts;
    return jar.setCookie(line, url, options);
  }

  /** Longer paths come first, and then what was there earlier. */
  async getCookies(url: string, options: GetCookiesOptions = {}): Promise<Cookie[]> {
    const cookies = await Promise.all([this.hosts, this.domains].map((jar) => jar.getCookies(url, options)));
    return cookies.flat().sort(cookieCompare);
  }

  async removeCookie({ domain, path, key, hostOnly }: Cookie): Promise<void> {
    await (hostOnly === true ? this.hosts : this.domains).store.removeCookie(domain ?? '', path ?? '/', key);
  }

  async removeAllCookies(): Promise<void> {
    await Promise.all([this.hosts, this.domains].map((jar) => jar.removeAllCookies()));
  }
}

function emptyJar(): CookieJar {
  return new CookieJar(undefined, { prefixSecurity: 'strict', rejectPublicSuffixes: true });
}
