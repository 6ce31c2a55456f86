import { once } from 'node:events';
import type { ClientHttp2Session } from 'node:http2';
import { connect, constants } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:http';

/** Where a request goes, and what it carries. */
export interface PendingSetup {
  port: number;
  path: string;
  headers: Record<string, string>;
}

/** A request that a test has sent and can end. */
export interface PendingRequest {
  /** Hangs up. */
  abort(): void;
}

/** What a finished request has got. */
export interface PendingResponse {
  status: number;
  headers: IncomingHttpHeaders;
}

/** A request on a connection of its own. Its response is read and thrown away. */
export function sendHttp1({ port, path, headers }: PendingSetup): PendingRequest {
  const outgoing = request({ host: '127.0.0.1', port, path, headers, agent: false }, (incoming) => {
    incoming.on('error', () => undefined).resume();
  });
  outgoing.on('error', () => undefined).end();
  return { abort: () => outgoing.destroy() };
}

/** A request over cleartext HTTP/2. To abort it resets its stream; every other time the whole connection is torn down. */
export function sendHttp2({ port, path, headers }: PendingSetup, index: number): PendingRequest {
  const session = connect(`http://127.0.0.1:${port}`).on('error', () => undefined);
  const stream = session.request({ ':path': path, ...headers });
  stream.on('error', () => undefined).resume();
  stream.on('close', () => session.destroy());
  return {
    abort: () => {
      if (index % 2 === 0) stream.close(constants.NGHTTP2_CANCEL);
      else session.destroy();
    },
  };
}

/** One exchange over cleartext HTTP/2. */
export async function exchangeHttp2({ port, path, headers }: PendingSetup): Promise<PendingResponse> {
  const session: ClientHttp2Session = connect(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({ ':path': path, ...headers });
    const [received] = (await once(stream, 'response')) as [IncomingHttpHeaders & { ':status': number }];
    await once(stream.resume(), 'end');
    return { status: received[':status'], headers: received };
  } finally {
    session.destroy();
  }
}

/** A request whose body comes drop by drop, until it is finished. */
export class DrippedRequest {
  readonly response: Promise<PendingResponse>;
  private readonly outgoing;
  private readonly timer: NodeJS.Timeout;

  /** @param body what comes before the drops, and what ends the body behind them. */
  constructor(
    { port, path, headers }: PendingSetup,
    private readonly body: { begin: string; end: string },
  ) {
    this.outgoing = request({ host: '127.0.0.1', port, path, headers, method: 'POST', agent: false });
    this.response = new Promise((resolve, reject) => {
      this.outgoing.on('error', reject);
      this.outgoing.on('response', (incoming) => {
        incoming.on('error', () => undefined).resume();
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers });
      });
    });
    this.response.catch(() => undefined);
    this.outgoing.write(body.begin);
    this.timer = setInterval(() => this.outgoing.write('x'), 50);
    this.outgoing.on('close', () => clearInterval(this.timer));
  }

  /** Ends the body. @returns the response. */
  async finish(): Promise<PendingResponse> {
    clearInterval(this.timer);
    this.outgoing.end(this.body.end);
    return this.response;
  }

  abort(): void {
    clearInterval(this.timer);
    this.outgoing.destroy();
  }
}

const BOUNDARY = 'drops';

/** A form with a file. */
export function drippedFile(setup: PendingSetup): DrippedRequest {
  const disposition = 'Content-Disposition: form-data; name="file"; filename="drops.txt"';
  return new DrippedRequest(
    { ...setup, headers: { ...setup.headers, 'content-type': `multipart/form-data; boundary=${BOUNDARY}` } },
    { begin: `--${BOUNDARY}\r\n${disposition}\r\nContent-Type: text/plain\r\n\r\n`, end: `\r\n--${BOUNDARY}--\r\n` },
  );
}

/** Bytes. */
export function drippedBytes(setup: PendingSetup): DrippedRequest {
  return new DrippedRequest(
    { ...setup, headers: { ...setup.headers, 'content-type': 'application/octet-stream' } },
    { begin: 'x', end: 'x' },
  );
}
