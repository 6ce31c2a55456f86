/** Bounds of a fetch. */
export interface FetchLimits {
  /** Milliseconds, for everything from the connection to the last byte. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

const MAX_REDIRECTS = 3;
const LOCAL_HOST = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Tells whether an address may be fetched: by `https`, or by `http` from this machine, without a name and a password in it. */
export function isSafeAddress(address: string, allowHttp: boolean): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, username, password } = new URL(address);
  const isHttp = protocol === 'http:' && (allowHttp || LOCAL_HOST.test(hostname));
  return (isHttp || protocol === 'https:') && username === '' && password === '';
}

/**
 * Fetches a JSON document. It follows redirects within the origin only.
 * @returns the parsed document.
 * @throws {Error} rejects with it if there is none within the limits. The message quotes nothing of the response.
 */
export async function fetchKeySet(address: string, { timeoutMs, maxBytes }: FetchLimits): Promise<unknown> {
  const signal = AbortSignal.timeout(timeoutMs);
  let url = new URL(address);
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await fetch(url.href, {
      signal,
      redirect: 'manual',
      headers: { accept: 'application/jwk-set+json, application/json' },
    });
    const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
    if (location === null) return readJson(response, maxBytes);
    await response.body?.cancel();
    const target = URL.canParse(location, url.href) ? new URL(location, url) : null;
    if (target?.origin !== url.origin) throw new Error('redirects to another origin');
    url = target;
  }
  throw new Error(`redirects more than ${MAX_REDIRECTS} times`);
}

/**
 * Reads a JSON document from a response with the status 200.
 * @throws {Error} rejects with it if there is none within the limit. The message quotes nothing of the response.
 */
export async function readJson(response: Response, maxBytes: number): Promise<unknown> {
  return parse(await textOf(response, maxBytes));
}

async function textOf({ status, body }: Response, maxBytes: number): Promise<string> {
  if (status !== 200 || !body) {
    await body?.cancel();
    throw new Error(`responded ${status}`);
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels the body, so that an endless response is not read on.
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new Error(`is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('is not JSON');
  }
}
