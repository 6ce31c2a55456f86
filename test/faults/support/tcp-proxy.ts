import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { ChangingStatements } from './changing-statements.js';

/**
 * What the network does:
 * - `pass`: nothing wrong
 * - `down`: connections are reset, new ones too
 * - `hold`: nothing goes through either way, until it does again
 * - `dead`: as `hold`, but what was connected or was sent meanwhile stays lost, as behind a firewall that has forgotten
 * - `swallow`: requests go through, answers do not
 */
export type NetworkState = 'pass' | 'down' | 'hold' | 'dead' | 'swallow';

/** Where a connection is cut at the next statement that changes data. */
export type CutPoint = 'before the statement' | 'after its success';

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Nothing goes through any more. */
  lost: boolean;
  /** A statement that changes data is under way. */
  changing: boolean;
  readonly statements: ChangingStatements;
}

/** A TCP proxy in front of a server: databases, and the application itself. */
export class TcpProxy {
  /** Milliseconds by which each answer is late. */
  delayMs = 0;
  /** Sends every request to the server twice; the second answer is dropped. */
  twice = false;
  private state: NetworkState = 'pass';
  private cut: { point: CutPoint; left: number } | null = null;
  private readonly links = new Set<Link>();
  private readonly server = createServer((client) => this.accept(client));

  private constructor(private readonly target: number) {}

  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Local ports of the connections to the server: by them it knows its clients. */
  get serverPorts(): number[] {
    return [...this.links].map(({ server }) => server.localPort ?? 0);
  }

  set(state: NetworkState): void {
    const before = this.state;
    this.state = state;
    if (state === 'down') for (const link of this.links) end(link);
    for (const link of this.links) {
      if (state === 'dead' || before === 'dead') link.lost = true;
      const flow = state === 'hold' || link.lost ? 'pause' : 'resume';
      link.client[flow]();
      link.server[flow]();
    }
  }

  /** Cuts the connections of the next statements that change data. */
  cutNext(point: CutPoint, times = 1): void {
    this.cut = { point, left: times };
  }

  /** How many of the ordered cuts have not been made. */
  get cutsLeft(): number {
    return this.cut?.left ?? 0;
  }

  async close(): Promise<void> {
    for (const link of this.links) end(link);
    this.server.close();
    await once(this.server, 'close');
  }

  private accept(client: Socket): void {
    client.on('error', () => undefined);
    if (this.state === 'down') {
      client.resetAndDestroy();
      return;
    }
    const server = connect(this.target, '127.0.0.1');
    const link: Link = { client, server, lost: this.state === 'dead', changing: false, statements: new ChangingStatements() };
    const shadow = this.twice ? connect(this.target, '127.0.0.1').on('error', () => undefined) : null;
    this.links.add(link);
    server.on('error', () => end(link));
    client.on('data', (chunk) => {
      shadow?.write(chunk);
      this.forwardRequest(link, chunk);
    });
    server.on('data', (chunk) => this.forwardAnswer(link, chunk));
    client.on('close', () => this.forget(link, shadow));
    server.on('close', () => this.forget(link, shadow));
    shadow?.resume();
    if (this.state === 'hold' || link.lost) {
      client.pause();
      server.pause();
    }
  }

  private forwardRequest(link: Link, chunk: Buffer): void {
    const changes = link.statements.runIn(chunk);
    if (this.cut && this.cut.left > 0 && changes) {
      if (this.cut.point === 'before the statement') {
        this.cut.left -= 1;
        end(link);
        return;
      }
      link.changing = true;
    }
    link.server.write(chunk);
  }

  private forwardAnswer(link: Link, chunk: Buffer): void {
    link.statements.learnFrom(chunk);
    if (link.changing && this.cut && isSuccess(chunk)) {
      this.cut.left -= 1;
      end(link);
      return;
    }
    if (this.state === 'swallow') return;
    if (this.delayMs === 0) link.client.write(chunk);
    else setTimeout(() => link.client.write(chunk), this.delayMs);
  }

  private forget(link: Link, shadow: Socket | null): void {
    shadow?.destroy();
    end(link);
    this.links.delete(link);
  }
}

/** PostgreSQL: a command tag, and `Z`, ready for the next query, which follows the commit. MariaDB: an OK packet. */
function isSuccess(chunk: Buffer): boolean {
  const isPostgres = /C[^]{4}(?:UPDATE|INSERT|DELETE)[ \d]+\0Z[^]{4}I/.test(chunk.toString('latin1'));
  return isPostgres || chunk[4] === 0x00;
}

function end({ client, server }: Link): void {
  if (!client.destroyed) client.resetAndDestroy();
  if (!server.destroyed) server.destroy();
}
