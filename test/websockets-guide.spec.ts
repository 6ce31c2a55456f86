import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import { createClient } from 'graphql-ws';
import { RefreshService } from 'nestjs-token';
import { useTestTokens } from 'nestjs-token/testing';
import { readdirSync, readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { SECRET } from './support/app.js';
import { shakeHands } from './support/sockets.js';
import { until } from './support/until.js';

const ROOT = join(import.meta.dirname, '..');
const GUIDE = readFileSync(join(ROOT, 'docs/websockets.md'), 'utf8');
const SOURCES = ['test/websockets-guide', 'sample/04-websocket/src'].flatMap((folder) =>
  readdirSync(join(ROOT, folder)).map((name) => withoutIndent(readFileSync(join(ROOT, folder, name), 'utf8'))),
);

/** Members of a class stand in the guide without their class. */
function withoutIndent(text: string): string {
  return text.replace(/^ +/gm, '');
}

describe('docs/websockets.md', () => {
  it('shows nothing but code that the tests below, or those of the sample, run', () => {
    const examples = [...GUIDE.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, text]) => withoutIndent(text ?? ''));
    expect(examples.length).toBeGreaterThan(7);
    expect(examples.filter((example) => !SOURCES.some((source) => source.includes(example)))).toEqual([]);
  });
});

describe('the code of docs/websockets.md', () => {
  let app: INestApplication | undefined;
  beforeEach(() => {
    process.env['TOKEN_SECRET'] = SECRET;
  });
  afterEach(async () => {
    delete process.env['TOKEN_SECRET'];
    await app?.close();
  });

  const start = async (made: ModuleMetadata, prepare: (app: INestApplication) => void = () => undefined): Promise<number> => {
    const { tokens } = await import('./websockets-guide/modules.js');
    const database = TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:', autoLoadEntities: true, synchronize: true });
    const builder = Test.createTestingModule({ ...made, imports: [database, tokens, ...(made.imports ?? [])] });
    useTestTokens(builder);
    app = (await builder.compile()).createNestApplication(new FastifyAdapter());
    prepare(app);
    await app.listen(0, '127.0.0.1');
    return (app.getHttpServer().address() as AddressInfo).port;
  };
  const tokenOf = async (subject: string): Promise<string> => (await app!.get(RefreshService).signIn(subject)).accessToken;

  it('gives each user his own orders', async () => {
    const { OrdersGateway } = await import('./websockets-guide/gateways.js');
    const port = await start({ providers: [OrdersGateway] }, (nest) => nest.useWebSocketAdapter(new IoAdapter(nest)));
    const socket = await shakeHands('socket.io', port, { auth: { token: await tokenOf('alice') } });
    expect(await socket.ask('orders')).toEqual({ event: 'orders', data: ['an order of alice'] });
    await expect(shakeHands('socket.io', port)).rejects.toMatchObject({ data: { errorCode: 'token_missing' } });
    socket.close();
  });

  it('puts the sockets of a user into his room', async () => {
    const { NewsGateway } = await import('./websockets-guide/gateways.js');
    const servers: { to(room: string): { emit(event: string, data: unknown): void } }[] = [];
    class ObservedAdapter extends IoAdapter {
      override create(...args: Parameters<IoAdapter['create']>): ReturnType<IoAdapter['create']> {
        const server = super.create(...args);
        servers.push(server);
        return server;
      }
    }
    const port = await start({ providers: [NewsGateway] }, (nest) => nest.useWebSocketAdapter(new ObservedAdapter(nest)));
    const [alice, bob] = await Promise.all(
      ['alice', 'bob'].map(async (name) => shakeHands('socket.io', port, { auth: { token: await tokenOf(name) }, path: 'news' })),
    );
    servers.at(-1)?.to('user:alice').emit('news', 'for alice');
    servers.at(-1)?.to('user:bob').emit('news', 'for bob');
    await until(() => alice!.received.length > 0 && bob!.received.length > 0);
    expect([alice!.received, bob!.received]).toEqual([[{ event: 'news', data: 'for alice' }], [{ event: 'news', data: 'for bob' }]]);
    alice!.close();
    bob!.close();
  });

  it('lets a plain socket identify itself with its first message', async () => {
    const { FirstMessageGateway } = await import('./websockets-guide/gateways.js');
    const port = await start({ providers: [FirstMessageGateway] }, (nest) => nest.useWebSocketAdapter(new WsAdapter(nest)));
    const socket = await shakeHands('ws', port, { path: 'first-message' });
    expect(await socket.ask('orders')).toMatchObject({ event: 'exception', data: { errorCode: 'token_missing' } });
    const token = await tokenOf('alice');
    expect(await socket.ask('authenticate', { token })).toEqual({ event: 'authenticated', data: { exp: expect.any(Number) } });
    expect(await socket.ask('orders')).toEqual({ event: 'orders', data: ['an order of alice'] });
    await app!.get(RefreshService).revokeAll('alice');
    expect(await socket.closed).toEqual([4401, 'token_revoked']);
  });

  it.each(['apollo', 'mercurius'] as const)('gives a subscriber his own orders, until his session is revoked: %s', async (driver) => {
    const { OrdersResolver, orders, ...drivers } = await import('./websockets-guide/modules.js');
    const port = await start({ providers: [OrdersResolver], imports: [drivers[driver]] });
    const connectionParams = { authorization: `Bearer ${await tokenOf('alice')}` };
    const client = createClient({ url: `ws://127.0.0.1:${port}/graphql`, webSocketImpl: WebSocket, connectionParams, retryAttempts: 0 });
    const received: unknown[] = [];
    client.subscribe(
      { query: 'subscription { orders }' },
      {
        next: ({ data }) => received.push(data),
        error: (event) => received.push((event as { code: number }).code),
        complete: () => undefined,
      },
    );
    await until(() => orders.listenerCount('alice') > 0);
    orders.emit('alice', 'a book');
    await until(() => received.length > 0);
    await app!.get(RefreshService).revokeAll('alice');
    await until(() => received.length > 1);
    expect(received).toEqual([{ orders: 'a book' }, 4401]);
    await client.dispose();
  });
});
