import { connect } from 'node:net';

/** One response, as far as it can be read. */
export interface HttpResponse {
  readonly status: number;
  /** By lower-case name. The last one of a name counts. */
  readonly headers: ReadonlyMap<string, string>;
  readonly cookies: ReadonlyMap<string, string>;
  readonly body: string;
}

/** What a connection has brought. */
export interface Exchange {
  readonly responses: readonly HttpResponse[];
  /** Whether the server said nothing for too long, so that the connection was given up. */
  readonly stalled: boolean;
}

export interface Sending {
  readonly bytes: Buffer;
  /** Whether the client closes its side after the last byte. */
  readonly halfClose: boolean;
  /** How long the server may be silent, milliseconds. */
  readonly patienceMs: number;
}

/** Opens a connection, sends bytes, and reads until the server closes it. */
export function exchange(port: number, { bytes, halfClose, patienceMs }: Sending): Promise<Exchange> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1');
    const finish = (stalled: boolean): void => {
      socket.destroy();
      resolve({ responses: responsesIn(Buffer.concat(chunks).toString('latin1')), stalled });
    };
    socket.setTimeout(patienceMs, () => finish(true));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A reset is what a server may do to a client that sends nonsense.
    socket.on('error', () => undefined);
    socket.on('close', () => finish(false));
    if (halfClose) socket.end(bytes);
    else socket.write(bytes);
  });
}

function responsesIn(text: string): HttpResponse[] {
  const found: HttpResponse[] = [];
  for (let rest = text; /^HTTP\/1\.\d \d{3}/.test(rest);) {
    const headEnd = rest.indexOf('\r\n\r\n');
    if (headEnd < 0) break;
    const { head, ...response } = headOf(rest.slice(0, headEnd));
    const length = bodyLength(rest, headEnd + 4, head);
    found.push({ ...response, body: rest.slice(headEnd + 4, headEnd + 4 + length) });
    rest = rest.slice(headEnd + 4 + length);
  }
  return found;
}

function headOf(text: string): Omit<HttpResponse, 'body'> & { head: ReadonlyMap<string, string> } {
  const [first = '', ...lines] = text.split('\r\n');
  const fields = lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)] as const);
  const headers = new Map(fields);
  const cookies = fields.filter(([name]) => name === 'set-cookie').map(([, value]) => /^([^=]*)=([^;]*)/.exec(value)?.slice(1) ?? []);
  return {
    status: Number(first.slice(9, 12)),
    headers,
    head: headers,
    cookies: new Map(cookies.map(([name = '', value = '']) => [name, value])),
  };
}

/** Number of characters of a body, with its framing. Responses to HEAD have none, which the next status line shows. */
function bodyLength(text: string, start: number, headers: ReadonlyMap<string, string>): number {
  if (text.startsWith('HTTP/1.', start)) return 0;
  if (headers.get('transfer-encoding') !== 'chunked') return Number(headers.get('content-length') ?? 0);
  const end = text.indexOf('\r\n0\r\n\r\n', start - 2);
  return end < 0 ? text.length - start : end + 7 - start;
}
