import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { once } from 'node:events';

/** What a slice of load came to. */
export interface Slice {
  answers: number;
  /** Until the last answer, milliseconds. */
  ms: number;
}

const OK = 'HTTP/1.1 200 ';

/**
 * Kept-alive connections to loopback, each of which sends its next request when it has its answer. All answers of one server have one
 * length, so that bytes tell answers: the load costs a microsecond a request, and the server is what is measured.
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

  /** Keeps every connection busy for so long. Rejects when an answer is not the 200 that all are. */
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

  /** A client that sleeps has to be woken by the server for each answer: an interrupt to another processor, dearer than what is measured. */
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

/** Of an answer with a Content-Length, whose head came in one piece. */
function lengthOf(answer: string): number {
  const [head = ''] = answer.split('\r\n\r\n', 1);
  return head.length + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
}
