import type { ServerResponse } from 'node:http';

/** The answer must not be stored, and depends on who asks (RFC 6749 §5.1, RFC 9111 §5.2.2.5). */
const UNCACHEABLE = { 'Cache-Control': 'no-store', Pragma: 'no-cache' } as const;
/** Targeted cache control (RFC 9213) would win over `Cache-Control` at a content delivery network. */
const OVERRIDES = ['CDN-Cache-Control', 'Surrogate-Control'] as const;
const VARY = ['Authorization', 'Cookie', 'Origin', 'Sec-Fetch-Site'] as const;

type HeadArguments = readonly unknown[];
type WriteHead = (...args: HeadArguments) => ServerResponse;

/**
 * Token headers on one response. They are set at once, on the raw response: no later guard, pipe, filter or handler, and no hijacked reply
 * (Fastify), can lose them. When the head is written they are enforced once more, with the headers that make the answer uncacheable,
 * whatever the handler has set or passes to `writeHead`.
 */
export class ResponseTokens {
  private readonly headers = new Map<string, string>();
  private readonly beforeHead: (() => void)[] = [];

  constructor(private readonly raw: ServerResponse) {
    const { raw: response } = this;
    const writeHead = response.writeHead.bind(response) as WriteHead;
    response.writeHead = (...args: HeadArguments) => writeHead(...this.enforce(args));
  }

  /** false once the head has been written: nothing can be added or taken off. */
  get isOpen(): boolean {
    return !this.raw.headersSent;
  }

  set(name: string, value: string): void {
    this.headers.set(name, value);
    if (this.isOpen) this.raw.setHeader(name, value);
  }

  remove(name: string): void {
    this.headers.delete(name);
    if (this.isOpen) this.raw.removeHeader(name);
  }

  /** Calls back when the head is about to be written: the last moment to take a token off. */
  onHead(callback: () => void): void {
    this.beforeHead.push(callback);
  }

  /** Calls back when the answer has been sent, or the client is gone. */
  onClose(callback: () => void): void {
    this.raw.once('close', callback);
  }

  /** @returns the arguments of `writeHead` without their headers: these are set before ours, so that ours win. */
  private enforce(args: HeadArguments): HeadArguments {
    const headers = args.find((argument) => typeof argument === 'object' && argument !== null);
    if (this.isOpen) {
      for (const callback of this.beforeHead.splice(0)) callback();
      setAll(this.raw, headers);
      this.apply();
    }
    return args.filter((argument) => argument !== headers);
  }

  private apply(): void {
    if (this.headers.size === 0) return;
    for (const [name, value] of [...this.headers, ...Object.entries(UNCACHEABLE)]) this.raw.setHeader(name, value);
    for (const name of OVERRIDES) this.raw.removeHeader(name);
    appendToList(this.raw, 'Vary', VARY);
    appendToList(this.raw, 'Access-Control-Expose-Headers', [...this.headers.keys()]);
  }
}

/** The raw response behind Express's and Fastify's. */
export function rawResponseOf(response: object): ServerResponse {
  return (response as { raw?: ServerResponse }).raw ?? (response as ServerResponse);
}

/** Adds names to a comma-separated list header, each once; what the application has listed stays. */
export function appendToList(raw: ServerResponse, header: string, names: readonly string[]): void {
  const listed = [raw.getHeader(header) ?? []]
    .flat()
    .join(',')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
  const known = new Set(listed.map((name) => name.toLowerCase()));
  raw.setHeader(header, [...listed, ...names.filter((name) => !known.has(name.toLowerCase()))].join(', '));
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
