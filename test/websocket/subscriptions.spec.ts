import { ApolloDriver } from '@nestjs/apollo';
import type { ApolloDriverConfig } from '@nestjs/apollo';
import { afterEach, describe, expect, it } from '@jest/globals';
import { UseGuards } from '@nestjs/common';
import { GraphQLModule, Query, Resolver, Subscription } from '@nestjs/graphql';
import type { MercuriusDriverConfig } from '@nestjs/mercurius';
import { MercuriusDriver } from '@nestjs/mercurius';
import type { Client } from 'graphql-ws';
import { createClient } from 'graphql-ws';
import type { TokenModuleRootOptions, TokenPair } from 'nestjs-token';
import { CurrentUser, JwtAuthGuard, OptionalAuth, RefreshService, TokenSockets } from 'nestjs-token';
import { FakeClock } from 'nestjs-token/testing';
import { EventEmitter, on } from 'node:events';
import type { WebSocket as PlainSocket } from 'ws';
import { WebSocket } from 'ws';
import type { AdapterName, TestApp } from '../support/app.js';
import { startApp } from '../support/app.js';
import { until } from '../support/until.js';

const ticks = new EventEmitter();

@Resolver()
class TickResolver {
  @Query(() => String)
  @UseGuards(JwtAuthGuard)
  me(@CurrentUser('sub') sub: string): string {
    return sub;
  }

  @Subscription(() => String, { resolve: ([tick]: [string]) => tick })
  @UseGuards(JwtAuthGuard)
  ticks(@CurrentUser('sub') sub: string): AsyncIterableIterator<unknown> {
    return on(ticks, sub);
  }

  @Subscription(() => String, { resolve: ([tick]: [string]) => tick })
  @OptionalAuth()
  @UseGuards(JwtAuthGuard)
  maybe(@CurrentUser('sub') sub = 'nobody'): AsyncIterableIterator<unknown> {
    return on(ticks, sub);
  }
}

const apollo = GraphQLModule.forRoot<ApolloDriverConfig>({
  driver: ApolloDriver,
  autoSchemaFile: true,
  subscriptions: { 'graphql-ws': true },
});
const apolloWithContext = GraphQLModule.forRoot<ApolloDriverConfig>({
  driver: ApolloDriver,
  autoSchemaFile: true,
  subscriptions: { 'graphql-ws': {} },
  context: (context: object) => context,
});
const mercurius = GraphQLModule.forRoot<MercuriusDriverConfig>({
  driver: MercuriusDriver,
  autoSchemaFile: true,
  subscription: { context: (socket: PlainSocket) => ({ socket }), fullWsTransport: true },
});

const SETUPS: [string, AdapterName, typeof apollo][] = [
  ['Apollo on Express', 'express', apollo],
  ['Apollo on Fastify', 'fastify', apollo],
  ['Apollo on Express, with a context of the application', 'express', apolloWithContext],
  ['Mercurius', 'fastify', mercurius],
];

describe.each(SETUPS)('a subscription over graphql-ws: %s', (_, adapter, graphql) => {
  let clock: FakeClock;
  const clients: Client[] = [];
  let running: TestApp;
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.dispose();
    await running.close();
    ticks.removeAllListeners();
  });

  const start = async (options: Partial<TokenModuleRootOptions> = {}): Promise<void> => {
    const websocket = { closeOnExpiry: true };
    clock = new FakeClock(Date.now());
    running = await startApp({
      adapter,
      clock,
      controllers: [],
      providers: [TickResolver],
      imports: [graphql],
      options: { websocket, ...options },
    });
  };
  const signIn = (subject = 'alice'): Promise<TokenPair> => running.app.get(RefreshService).signIn(subject);
  /** What has closed the socket. */
  let closes: unknown[] = [];
  const connect = (connectionParams: Record<string, unknown>, headers: Record<string, string> = {}): Client => {
    class Socket extends WebSocket {
      constructor(address: string, protocols: string) {
        super(address, protocols, { headers });
      }
    }
    const own: unknown[] = [];
    closes = own;
    const client = createClient({
      url: `ws://127.0.0.1:${running.port}/graphql`,
      webSocketImpl: Socket,
      connectionParams,
      retryAttempts: 0,
      onNonLazyError: () => undefined,
      on: { closed: (event) => void own.push(closeOf(event)) },
    });
    clients.push(client);
    return client;
  };
  const bearer = ({ accessToken }: TokenPair) => ({ authorization: `Bearer ${accessToken}` });
  /** Subscribes, and keeps what arrives. The last entry says how it has ended. */
  const subscribe = (client: Client, query = 'subscription { ticks }'): unknown[] => {
    const results: unknown[] = [];
    client.subscribe(
      { query },
      {
        next: (result) => results.push(result),
        error: (error: unknown) => results.push(Array.isArray(error) ? { errors: error as unknown[] } : 'failed'),
        complete: () => results.push('complete'),
      },
    );
    return results;
  };
  const listening = (subject: string) => until(() => ticks.listenerCount(subject) > 0);
  const tick = (field: string, text: string) => ({ data: { [field]: text } });

  it.each(['connectionParams', 'the upgrade request'])('is admitted with the token of %s, and has its caller', async (place) => {
    await start();
    const token = bearer(await signIn());
    const results = subscribe(place === 'connectionParams' ? connect(token) : connect({}, token));
    await listening('alice');
    ticks.emit('alice', 'one');
    await until(() => results.length === 1);
    expect(results).toEqual([tick('ticks', 'one')]);
  });

  it.each([
    ['no token', {}, 'token_missing'],
    ['an object', { authorization: { token: 'x' } }, 'token_missing'],
    ['nonsense', { authorization: 'Bearer nonsense' }, 'token_malformed'],
    ['a huge token', { authorization: `Bearer ${'a.b.c'.repeat(5_000)}` }, 'token_too_large'],
  ])('is refused with %s', async (__, params, errorCode) => {
    await start();
    const results = subscribe(connect(params));
    await until(() => results.length > 0);
    expect(results[0]).toMatchObject({ errors: [{ extensions: { code: errorCode } }] });
    expect(ticks.eventNames()).toEqual([]);
  });

  it('has no caller where authentication is optional and there is no token', async () => {
    await start();
    const results = subscribe(connect({}), 'subscription { maybe }');
    await listening('nobody');
    ticks.emit('nobody', 'one');
    await until(() => results.length === 1);
    expect(results).toEqual([tick('maybe', 'one')]);
  });

  it('ends at once when its session is revoked, and nothing passes after that', async () => {
    await start();
    const results = subscribe(connect(bearer(await signIn())));
    await listening('alice');
    await running.app.get(RefreshService).revokeAll('alice');
    await until(() => closes.length > 0);
    ticks.emit('alice', 'late');
    expect([closes, results]).toEqual([[[4401, 'token_revoked']], ['failed']]);
    await until(() => ticks.listenerCount('alice') === 0);
  });

  it('ends within a second when its token expires', async () => {
    await start();
    const results = subscribe(connect(bearer(await signIn())));
    await listening('alice');
    const since = performance.now();
    clock.advance('16m');
    await until(() => closes.length > 0);
    expect(performance.now() - since).toBeLessThan(1_000);
    expect([closes, results]).toEqual([[[4401, 'token_expired']], ['failed']]);
  });

  it('leaves the subscriptions of others alone, and is forgotten when its client leaves', async () => {
    await start();
    const [alice, bob] = [connect(bearer(await signIn())), connect(bearer(await signIn('bob')))];
    subscribe(alice);
    const results = subscribe(bob);
    await listening('alice');
    await listening('bob');
    const sockets = running.app.get<{ watchedSockets: number }>(TokenSockets);
    expect(sockets.watchedSockets).toBe(2);
    await running.app.get(RefreshService).revokeAll('alice');
    await until(() => sockets.watchedSockets === 1);
    ticks.emit('bob', 'one');
    await until(() => results.length === 1);
    expect(results).toEqual([tick('ticks', 'one')]);
    await bob.dispose();
    await until(() => sockets.watchedSockets === 0);
  });

  it('is a query over the same socket, which is judged again each time', async () => {
    await start({ websocket: { closeOnExpiry: false } });
    const client = connect(bearer(await signIn()));
    subscribe(client);
    await listening('alice');
    const me = async (): Promise<unknown[]> => {
      const results: unknown[] = [];
      for await (const result of client.iterate({ query: '{ me }' })) results.push(result);
      return results;
    };
    expect(await me()).toEqual([tick('me', 'alice')]);
    await running.app.get(RefreshService).revokeAll('alice');
    expect(await me()).toMatchObject([{ errors: [{ message: expect.stringMatching(/revoked/) }] }]);
  });

  describe('with a cookie', () => {
    const cookies = { transport: 'cookie', cookie: { insecure: true } } as const;
    const withCookie = async (headers: Record<string, string>): Promise<Record<string, string>> => ({
      cookie: `access=${(await signIn()).accessToken}`,
      ...headers,
    });

    it('is admitted from a page of the application', async () => {
      await start(cookies);
      subscribe(connect({}, await withCookie({ origin: `http://127.0.0.1:${running.port}` })));
      await expect(listening('alice')).resolves.toBeUndefined();
    });

    it.each([
      ['from a page of another site', {}],
      ['from a page of another site that claims to be of the same one', { 'sec-fetch-site': 'same-origin', host: 'evil.example' }],
      ['from a page of another site that claims to send it in the payload', { headers: { 'sec-fetch-site': 'same-origin' } }],
    ])('is refused %s (CK-08)', async (__, params) => {
      await start(cookies);
      const results = subscribe(connect(params, await withCookie({ origin: 'https://evil.example' })));
      await until(() => results.length > 0);
      expect(results[0]).toMatchObject({ errors: [{ extensions: { code: 'csrf_failed' } }] });
      expect(ticks.eventNames()).toEqual([]);
    });
  });
});

function closeOf(event: unknown): unknown[] {
  const { code, reason } = event as { code: number; reason: string };
  return [code, reason];
}
