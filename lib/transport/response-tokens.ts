import type { ServerResponse } from 'node:http';

/**
 * A response with tokens must not be stored (RFC 6749 §5.1, RFC 9111 §5.2.2.5). nginx ranks `X-Accel-Expires` above `Cache-Control`, and
 * keeps to it even where it is configured to ignore `Cache-Control`.
 */
export const UNCACHEABLE = { 'Cache-Control': 'no-store', Pragma: 'no-cache', 'X-Accel-Expires': '0' } as const;
const UNCACHEABLE_HEADERS = Object.entries(UNCACHEABLE);
/** Targeted cache control (RFC 9213) and what was used before it: caches and content delivery networks rank these above `Cache-Control`. */
const TARGETED_CACHE_CONTROL = /^(?:.+-)cache-control$|^(?:surrogate|edge)-control$/i;
/** A response with tokens depends on these request headers, in addition to those that carry the tokens. */
export const VARY = ['Authorization', 'Cookie', 'Origin', 'Sec-Fetch-Site'] as const;

type HeadArguments = readonly unknown[];
type WriteHead = (...args: HeadArguments) => ServerResponse;

/** A header that carries a token, or tells something of one. */
interface TokenHeader {
  readonly value: string;
  /** Asked when the head is written: whether the response may still carry this header. */
  readonly isDeliverable: () => boolean;
}

/**
 * Token headers and cookies on one response. They are set at once, on the raw response: no later guard, pipe, filter or handler, and no
 * hijacked reply (Fastify), can lose them. When the head is written they are enforced once more, with the headers that make the response
 * uncacheable, whatever the handler has set or passes to `writeHead`. What must not be delivered any more is taken off then.
 */
export class ResponseTokens {
  private readonly headers = new Map<string, TokenHeader>();
  /** `Set-Cookie` lines by the name of the cookie. */
  private readonly cookies = new Map<string, TokenHeader>();
  /** `Set-Cookie` lines that delete shadows: cookies with our names that were set for another domain or path. */
  private readonly deletions = new Set<string>();

  /**
   * @param raw the response of `node:http`, `node:https` or `node:http2`.
   * @param varyOn names of all request headers that the response depends on, each once.
   */
  constructor(
    private readonly raw: ServerResponse,
    private readonly varyOn: readonly string[],
  ) {
    const writeHead = raw.writeHead.bind(raw) as WriteHead;
    raw.writeHead = (...args: HeadArguments) => writeHead(...this.enforce(args));
  }

  /** Sets a header. Does nothing once the head of the response has been written. */
  setHeader(name: string, header: TokenHeader): void {
    if (this.raw.headersSent) return;
    this.headers.set(name, header);
    this.raw.setHeader(name, header.value);
  }

  /** Sets a cookie, in addition to those of the application. Does nothing once the head of the response has been written. */
  setCookie(name: string, cookie: TokenHeader): void {
    if (this.raw.headersSent) return;
    this.cookies.set(name, cookie);
    this.putCookies();
  }

  /** Deletes a cookie that has one of our names, but was set for another path or domain. */
  deleteCookie(line: string): void {
    if (this.raw.headersSent) return;
    this.deletions.add(line);
    this.putCookies();
  }

  /** Takes all token headers and cookies off, unless the head of the response has been written. */
  clear(): void {
    if (this.raw.headersSent) return;
    for (const name of this.headers.keys()) this.raw.removeHeader(name);
    this.headers.clear();
    const others = this.foreignCookies();
    this.cookies.clear();
    this.deletions.clear();
    if (others.length > 0) this.raw.setHeader('Set-Cookie', others);
    else this.raw.removeHeader('Set-Cookie');
  }

  /** @returns the arguments of `writeHead` without their headers: these are set before ours, so that ours win. */
  private enforce(args: HeadArguments): HeadArguments {
    const headers = args.find((argument) => typeof argument === 'object' && argument !== null);
    if (!this.raw.headersSent) {
      setAll(this.raw, headers);
      this.apply();
    }
    return args.filter((argument) => argument !== headers);
  }

  private apply(): void {
    if (this.headers.size + this.cookies.size + this.deletions.size === 0) return;
    for (const [name, { value, isDeliverable }] of this.headers) {
      if (!isDeliverable()) this.raw.removeHeader(name);
      else if (this.raw.getHeader(name) !== value) this.raw.setHeader(name, value);
    }
    if (this.cookies.size + this.deletions.size > 0) this.putCookies();
    for (const name of this.raw.getHeaderNames()) if (TARGETED_CACHE_CONTROL.test(name)) this.raw.removeHeader(name);
    for (const [name, value] of UNCACHEABLE_HEADERS) this.raw.setHeader(name, value);
    appendToList(this.raw, 'Vary', this.varyOn);
    if (this.headers.size > 0) appendToList(this.raw, 'Access-Control-Expose-Headers', [...this.headers.keys()]);
  }

  /** Puts our cookies after those of the application. Whatever has replaced or removed them, they are there again. */
  private putCookies(): void {
    const own = [...this.cookies.values()].filter(({ isDeliverable }) => isDeliverable()).map(({ value }) => value);
    const lines = [...this.foreignCookies(), ...this.deletions, ...own];
    if (lines.length > 0) this.raw.setHeader('Set-Cookie', lines);
    else this.raw.removeHeader('Set-Cookie');
  }

  /** The `Set-Cookie` lines that are not ours. The application may have copied ours (Fastify does), and ours count only once. */
  private foreignCookies(): string[] {
    const present = this.raw.getHeader('Set-Cookie');
    if (present === undefined) return [];
    return [present]
      .flat()
      .map(String)
      .filter((line) => !this.cookies.has(line.slice(0, line.indexOf('='))) && !this.deletions.has(line));
  }
}

/** The raw response behind Express's and Fastify's. */
export function rawResponseOf(response: object): ServerResponse {
  return (response as { raw?: ServerResponse }).raw ?? (response as ServerResponse);
}

/**
 * Keeps a token that came in the address of a request out of the `Referer` of the requests that the page sends, and the response out of
 * caches (RFC 6750 §2.3).
 */
export function concealAddress(response: object): void {
  const raw = rawResponseOf(response);
  if (raw.headersSent) return;
  raw.setHeader('Referrer-Policy', 'no-referrer');
  raw.setHeader('Cache-Control', 'no-store');
}

/** Adds names to a comma-separated list header, each once; what the application has listed stays. */
export function appendToList(raw: ServerResponse, header: string, names: readonly string[]): void {
  const present = raw.getHeader(header);
  if (present === undefined) {
    raw.setHeader(header, names.join(', '));
    return;
  }
  const listed = [present]
    .flat()
    .join(',')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  const known = new Set(listed.map((name) => name.toLowerCase()));
  for (const name of names) {
    if (!known.has(name.toLowerCase())) listed.push(name);
    known.add(name.toLowerCase());
  }
  raw.setHeader(header, listed.join(', '));
}

/** What `writeHead` would do with its header argument: an object, a flat list, or a list of pairs. */
function setAll(raw: ServerResponse, headers: unknown): void {
  const seen = new Set<string>();
  for (const [name, value] of pairsOf(headers ?? {})) {
    if (seen.has(name.toLowerCase())) raw.appendHeader(name, value as string);
    else if (value !== undefined) raw.setHeader(name, value as string);
    seen.add(name.toLowerCase());
  }
}

function pairsOf(headers: object): [string, unknown][] {
  if (!Array.isArray(headers)) return Object.entries(headers);
  if (Array.isArray(headers[0])) return headers as [string, unknown][];
  const flat = headers as string[];
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1]] as [string, unknown]] : []));
}
