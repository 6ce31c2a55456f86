import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { once } from 'node:events';

/** The result of one turn of load. */
export interface Slice {
  answers: number;
  /** Milliseconds until the last response. */
  ms: number;
}

const OK = 'HTTP/1.1 200 ';

/**
 * Keep-alive connections to this machine. Each of them sends its next request as soon as it has its response. All responses of a server
 * have the same length, so it is enough to count bytes. A request costs the load generator about one microsecond, so that the server is
 * measured and not the generator.
 */
export class ClosedLoop {
  private readonly sockets: Socket[] = [];
  private next = 0;
  private underWay = 0;
  private answers = 0;
  private answerBytes = 0;
  private isOpen = false;
  private drained = (): void => undefined;
  private failed = (_reason: Error): void => undefined;

  private constructor(private readonly requests: readonly string[]) {}

  static async open(port: number, connections: number, requests: readonly string[]): Promise<ClosedLoop> {
    const loop = new ClosedLoop(requests);
    for (let count = 0; count < connections; count++) {
      const socket = connect(port, '127.0.0.1').setNoDelay(true).setEncoding('latin1');
      await once(socket, 'connect');
      loop.attach(socket);
    }
    return loop;
  }

  /** Keeps every connection busy for this long. Rejects if a response does not have the status 200. */
  async run(ms: number): Promise<Slice> {
    const startedAt = performance.now();
    this.answers = 0;
    this.isOpen = true;
    const done = new Promise<void>((resolve, reject) => {
      this.drained = resolve;
      this.failed = reject;
    });
    for (const socket of this.sockets) this.send(socket);
    setTimeout(() => (this.isOpen = false), ms);
    this.stayAwake();
    await done;
    return { answers: this.answers, ms: performance.now() - startedAt };
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  /** Keeps the client awake. The server would have to wake a sleeping client for each response, which costs more than what is measured. */
  private stayAwake(): void {
    if (this.isOpen || this.underWay > 0) setImmediate(() => this.stayAwake());
  }

  private attach(socket: Socket): void {
    let bytes = 0;
    this.sockets.push(socket);
    socket.on('error', (error) => this.failed(error));
    socket.on('close', () => this.failed(new Error('the server has closed the connection')));
    socket.on('data', (chunk: string) => {
      bytes += chunk.length;
      if (this.answerBytes === 0) this.answerBytes = lengthOf(chunk);
      if (bytes < this.answerBytes) return;
      if (bytes !== this.answerBytes || !chunk.startsWith(OK))
        this.failed(new Error(`not the answer that all are: ${chunk.slice(0, 200)}`));
      bytes = 0;
      this.answers += 1;
      this.underWay -= 1;
      if (this.isOpen) this.send(socket);
      else if (this.underWay === 0) this.drained();
    });
  }

  private send(socket: Socket): void {
    this.underWay += 1;
    this.next = (this.next + 1) % this.requests.length;
    socket.write(this.requests[this.next] ?? '');
  }
}

/** Returns the length of a response with a Content-Length whose head came in one piece. */
function lengthOf(answer: string): number {
  const [head = ''] = answer.split('\r\n\r\n', 1);
  return head.length + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
}
