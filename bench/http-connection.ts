import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { once } from 'node:events';

export interface HttpRequest {
  method: 'GET' | 'POST';
  path: string;
  headers?: Record<string, string>;
  body?: object;
}

export interface HttpAnswer {
  status: number;
  header: (name: string) => string | undefined;
  body: string;
}

/**
 * A keep-alive connection to this machine with one request at a time. It understands only responses with a Content-Length. A request costs
 * the load generator a few microseconds. A complete HTTP client would take a processor away from the server that is measured.
 */
export class HttpConnection {
  private received = '';
  private settle: { resolve: (answer: HttpAnswer) => void; reject: (error: Error) => void } | undefined;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('data', (chunk: string) => this.receive(chunk));
    socket.on('error', (error) => this.settle?.reject(error));
    socket.on('close', () => this.settle?.reject(new Error('the server has closed the connection')));
  }

  static async open(port: number): Promise<HttpConnection> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new HttpConnection(socket);
  }

  async send({ method, path, headers = {}, body }: HttpRequest): Promise<HttpAnswer> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const type = body === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': String(text.length) };
    const fields = Object.entries({ Host: '127.0.0.1', ...type, ...headers }).map(([name, value]) => `${name}: ${value}`);
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
      this.socket.write(`${[`${method} ${path} HTTP/1.1`, ...fields].join('\r\n')}\r\n\r\n${text}`);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private receive(chunk: string): void {
    this.received += chunk;
    const headEnd = this.received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = this.received.slice(0, headEnd + 2);
    const bodyAt = headEnd + 4;
    const length = Number(fieldOf(head, 'content-length') ?? 0);
    if (this.received.length < bodyAt + length) return;
    const body = this.received.slice(bodyAt, bodyAt + length);
    this.received = this.received.slice(bodyAt + length);
    this.settle?.resolve({ status: Number(head.slice(9, 12)), header: (name) => fieldOf(head, name), body });
  }
}

function fieldOf(head: string, name: string): string | undefined {
  return new RegExp(`\r\n${name}: (.*)\r\n`, 'i').exec(head)?.[1];
}
