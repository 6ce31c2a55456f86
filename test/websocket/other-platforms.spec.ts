import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication, WebSocketAdapter, WsMessageHandler } from '@nestjs/common';
import { RefreshService } from 'nestjs-token';
import { EventEmitter } from 'node:events';
import type { Observable } from 'rxjs';
import type { TestApp } from '../support/app.js';
import { startApp } from '../support/app.js';
import { ClosedGateway, until } from './gateways.js';

/** A platform that knows neither middleware nor upgrades. */
class PlainAdapter implements WebSocketAdapter<EventEmitter, Client> {
  readonly server = new EventEmitter();

  create(): EventEmitter {
    return this.server;
  }

  bindClientConnect(server: EventEmitter, callback: (...args: unknown[]) => void): void {
    server.on('connection', callback);
  }

  bindMessageHandlers(client: Client, handlers: WsMessageHandler[], transform: (data: unknown) => Observable<unknown>): void {
    client.on('message', (event: string, data: unknown) => {
      const handler = handlers.find(({ message }) => message === event);
      if (handler) transform(handler.callback(data)).subscribe((answer) => client.sent.push(answer));
    });
  }

  close(): void {
    this.server.removeAllListeners();
  }

  dispose(): void {}
}

class Client extends EventEmitter {
  readyState = 1;
  readonly sent: unknown[] = [];
  closed: unknown;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(code: number, reason: string): void {
    this.readyState = 3;
    this.closed = [code, reason];
    this.emit('close');
  }
}

describe('a platform of which nothing is known but the interface of its adapter', () => {
  let running: TestApp;
  let adapter: PlainAdapter;
  beforeEach(async () => {
    adapter = new PlainAdapter();
    running = await startApp({
      controllers: [],
      providers: [ClosedGateway],
      prepare: (app: INestApplication) => void app.useWebSocketAdapter(adapter),
    });
  });
  afterEach(() => running.close());
  const connect = (...request: unknown[]): Client => {
    const client = new Client();
    adapter.server.emit('connection', client, ...request);
    return client;
  };

  it('has guarded gateways, which see a client after its handshake has been judged', async () => {
    const { accessToken } = await running.app.get(RefreshService).signIn('alice');
    const client = connect({ headers: { authorization: `Bearer ${accessToken}` } });
    const { callers } = running.app.get(ClosedGateway);
    await until(() => callers.length > 0);
    expect(callers).toEqual(['alice']);
    client.emit('message', 'me', 7);
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
    client.emit('message', 'me', 7);
    expect(client.sent).toEqual([{ event: 'exception', data: expect.objectContaining({ errorCode: 'token_missing' }) }]);
  });
});
