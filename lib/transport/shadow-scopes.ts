import type { CookieSettings } from './cookie.options.js';
import type { TokenRequest } from './token-transport.js';

/** For whom a cookie was set. Without a domain, it is for one host. */
export interface CookieScope {
  readonly domain?: string;
  readonly path: string;
}

/** More than enough for any host name and address that an application uses. It bounds what one response carries. */
const MAX_PARTS = 5;

/**
 * Returns every domain and path for which a browser may hold a cookie that it sends with this request, except those of our own cookies. A
 * browser ignores a domain that it does not allow, such as `com`.
 */
export function shadowScopesOf(request: TokenRequest, own: Pick<CookieSettings, 'domain' | 'path'>): CookieScope[] {
  const domains = [undefined, ...domainsOf(request.host ?? request.headers.host ?? '')];
  const scopes = domains.flatMap((domain) =>
    pathsOf(request.url ?? '/').map((path) => ({ ...(domain !== undefined && { domain }), path })),
  );
  return scopes.filter(({ domain, path }) => domain !== own.domain || path !== own.path);
}

/** `api.example.com:3000` gives `api.example.com` and `example.com`. An address of numbers has no domains. */
function domainsOf(host: string): string[] {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  if (!/^[a-z0-9.-]*[a-z][a-z0-9-]*$/.test(name)) return [];
  const labels = name.split('.').slice(-MAX_PARTS);
  return labels.slice(0, -1).map((_, index) => labels.slice(index).join('.'));
}

/** `/api/me?x` gives `/`, `/api`, `/api/` and `/api/me` (RFC 6265bis §5.1.4). */
function pathsOf(url: string): string[] {
  const [path = '/'] = url.split(/[?#]/, 1);
  const segments = path.split('/').filter(Boolean).slice(0, MAX_PARTS);
  const prefixes = segments.map((_, index) => `/${segments.slice(0, index + 1).join('/')}`);
  return ['/', ...prefixes.flatMap((prefix, index) => (index < prefixes.length - 1 ? [prefix, `${prefix}/`] : [prefix]))].filter(
    isPlainPath,
  );
}

/** A path that is no plain text would be refused by the serialiser, and no browser has a cookie for it. */
function isPlainPath(path: string): boolean {
  return /^[\x21-\x3a\x3c-\x7e]+$/.test(path);
}
