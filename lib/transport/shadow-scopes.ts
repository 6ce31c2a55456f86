import type { CookieSettings } from './cookie.options.js';
import type { TokenRequest } from './token-transport.js';

/**
 * The scope for which a cookie was set. Without a domain, it is for one host. A partitioned one is for one site that embeds the
 * application.
 */
export interface CookieScope {
  readonly domain?: string;
  readonly path: string;
  readonly partitioned: boolean;
}

/** Enough for the host names and addresses that applications use. They bound what one response carries. */
const MAX_LABELS = 5;
const MAX_SEGMENTS = 3;
/** RFC 1034 §3.5, in lower case. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Returns the scopes in which a browser may hold a shadow: a cookie with one of our names that was set for another domain or path, and that
 * comes along with this request. A browser ignores a domain that it does not allow, such as `com`.
 */
export function shadowScopesOf(request: TokenRequest, own: Pick<CookieSettings, 'domain' | 'path' | 'partitioned'>): CookieScope[] {
  const domains = [undefined, ...domainsOf(request.host ?? request.headers.host ?? '')];
  const paths = pathsOf(request.originalUrl ?? request.url ?? '/');
  const partitions = own.partitioned ? [true, false] : [false];
  const scopes = domains.flatMap((domain) =>
    paths.flatMap((path) => partitions.map((partitioned) => ({ ...(domain !== undefined && { domain }), path, partitioned }))),
  );
  return scopes.filter(({ domain, path, partitioned }) => domain !== own.domain || path !== own.path || partitioned !== own.partitioned);
}

/** `api.example.com:3000` gives `api.example.com` and `example.com`. An address of numbers has no domains. */
function domainsOf(host: string): string[] {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  const labels = name.split('.').slice(-MAX_LABELS);
  if (!/[a-z]/.test(labels.at(-1) ?? '') || !labels.every((label) => LABEL.test(label))) return [];
  return labels.slice(0, -1).map((_, index) => labels.slice(index).join('.'));
}

/** `/api/me?x` gives `/`, `/api`, `/api/`, `/api/me` and `/api/me/` (RFC 6265bis §5.1.4). */
function pathsOf(url: string): string[] {
  const [path = '/'] = url.split(/[?#]/, 1);
  const segments = path.split('/').filter(Boolean).slice(0, MAX_SEGMENTS);
  const prefixes = segments.map((_, index) => `/${segments.slice(0, index + 1).join('/')}`);
  return ['/', ...prefixes.flatMap((prefix) => [prefix, `${prefix}/`])].filter(isPlainPath);
}

/** A path that is no plain text would be refused by the serialiser, and no browser has a cookie for it. */
function isPlainPath(path: string): boolean {
  return /^[\x21-\x3a\x3d-\x7e]+$/.test(path);
}
