import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication, WebSocketAdapter, WsMessageHandler } from '@nestjs/common';
import type { OnGatewayConnection } from '@nestjs/websockets';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { RefreshService } from 'nestjs-token';
import { EventEmitter } from 'node:events';
import type { Observable } from 'rxjs';
import type { TestApp } from '../support/app.js';
import { startApp } from '../support/app.js';
import type { SocketMessage } from '../support/sockets.js';
import { ClosedGateway } from './gateways.js';
import { until } from '../support/until.js';

const OTHER_PORT = 4_711;

/** Nothing guards it, and it has a server of its own. */
@WebSocketGateway(OTHER_PORT)
class UnguardedGateway implements OnGatewayConnection {
  readonly clients: object[] = [];

  handleConnection(client: object): void {
    this.clients.push(client);
  }

  @SubscribeMessage('echo')
  echo(@MessageBody() data: unknown): SocketMessage {
    return { event: 'echo', data };
  }
}

/** A platform that knows neither middleware nor upgrades. */
class PlainAdapter implements WebSocketAdapter<EventEmitter, Client> {
  readonly server = new EventEmitter();
  readonly other = new EventEmitter();

  create(port: number): EventEmitter {
    return port === OTHER_PORT ? this.other : this.server;
  }

  bindClientConnect(server: EventEmitter, callback: (...args: unknown[]) => void): void {
    server.on('connection', callback);
  }

  bindMessageHandlers(client: Client, handlers: WsMessageHandler[], transform: (data: unknown) => Observable<unknown>): void {
    client.messages.on('message', (event: string, data: unknown) => {
      const handler = handlers.find(({ message }) => message === event);
      if (handler) transform(handler.callback(data)).subscribe((answer) => client.sent.push(answer));
    });
  }

  close(): void {
    this.server.removeAllListeners();
  }

  dispose(): void {}
}

/** A client that can do nothing that the module could use. */
class Client {
  /** What the adapter of the platform listens to. */
  readonly messages = new EventEmitter();
  readonly sent: unknown[] = [];
}

/** A client that can be told something, and can be closed. */
class ClosableClient extends Client {
  readyState = 1;
  closed: unknown;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(code: number, reason: string): void {
    this.readyState = 3;
    this.closed = [code, reason];
  }
}

describe('a platform of which nothing is known but the interface of its adapter', () => {
  let running: TestApp;
  let adapter: PlainAdapter;
  beforeEach(async () => {
    adapter = new PlainAdapter();
    running = await startApp({
      controllers: [],
      providers: [ClosedGateway, UnguardedGateway],
      prepare: (app: INestApplication) => void app.useWebSocketAdapter(adapter),
    });
  });
  afterEach(() => running.close());
  const connect = (...request: unknown[]): ClosableClient => arrive(new ClosableClient(), request);
  const arrive = <C extends Client>(client: C, request: unknown[], server = adapter.server): C => {
    server.emit('connection', client, ...request);
    return client;
  };

  it('has guarded gateways, which see a client after its handshake has been judged', async () => {
    const { accessToken } = await running.app.get(RefreshService).signIn('alice');
    const client = connect({ headers: { authorization: `Bearer ${accessToken}` } });
    const { callers } = running.app.get(ClosedGateway);
    await until(() => callers.length > 0);
    expect(callers).toEqual(['alice']);
    client.messages.emit('message', 'me', 7);
    await until(() => client.sent.length > 0);
    expect(client.sent).toMatchObject([{ event: 'me', data: { sub: 'alice' } }]);
  });

  it.each([
    ['that has no token', [{ headers: {} }]],
    ['of which the platform shows no request', []],
    ['of which the platform shows nonsense', ['nonsense']],
  ])('refuses a client %s', async (_, request) => {
    const client = connect(...request);
    await until(() => client.closed !== undefined);
    expect([client.closed, running.app.get(ClosedGateway).callers]).toEqual([[4401, 'token_missing'], []]);
    client.messages.emit('message', 'me', 7);
    expect(client.sent).toEqual([{ event: 'exception', data: expect.objectContaining({ errorCode: 'token_missing' }) }]);
  });

  it('has unguarded gateways, to which its clients come as if the module were not there', async () => {
    for (const request of [[], ['nonsense'], [{ headers: {}, url: 7 }]]) {
      const client = arrive(new Client(), request, adapter.other);
      expect(running.app.get(UnguardedGateway).clients.at(-1)).toBe(client);
      client.messages.emit('message', 'echo', 7);
      await until(() => client.sent.length > 0);
      expect(client.sent).toEqual([{ event: 'echo', data: 7 }]);
    }
  });

  it('has guarded gateways, whose clients need no functions that other platforms have', async () => {
    const { accessToken } = await running.app.get(RefreshService).signIn('alice');
    arrive(new Client(), []);
    arrive(new Client(), [{ headers: { authorization: `Bearer ${accessToken}` } }]);
    const { callers } = running.app.get(ClosedGateway);
    await until(() => callers.length > 0);
    expect(callers).toEqual(['alice']);
  });
});
