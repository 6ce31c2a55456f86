import { ApolloDriver } from '@nestjs/apollo';
import type { ApolloDriverConfig } from '@nestjs/apollo';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { UseGuards } from '@nestjs/common';
import { Field, GraphQLModule, Mutation, ObjectType, Query, Resolver, Subscription } from '@nestjs/graphql';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import type { OnGatewayConnection } from '@nestjs/websockets';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { Client } from 'graphql-ws';
import { createClient } from 'graphql-ws';
import type { Principal, TokenPair, TokenRequest } from 'nestjs-token';
import { AuthInstance, CurrentUser, JwtAuthGuard, OptionalAuth, Public, RefreshService } from 'nestjs-token';
import { FakeClock } from 'nestjs-token/testing';
import { WebSocket } from 'ws';
import { refreshServiceToken } from '../support/lib.js';
import type { AppSetup, TestApp } from '../support/app.js';
import { bearing, partnerModule, startApp } from '../support/app.js';
import { CapturedLog } from '../support/captured-log.js';
import type { SocketMessage, SocketPlatform, TestSocket } from '../support/sockets.js';
import { openSocket, SOCKET_PLATFORMS } from '../support/sockets.js';
import { carrying } from '../support/token-store.js';

const authorizationOf = (pair: TokenPair): Record<string, string> => ({ authorization: bearing(pair).authorization! });
/** What Nest says where nothing of the right kind was thrown. */
const UNKNOWN = 'Internal server error';

/** As an application writes it today: the tokens are those of the handshake. */
class HandshakeGuard extends JwtAuthGuard {
  protected override getRequest(context: ExecutionContext): TokenRequest {
    const { handshake, upgrade } = context.switchToWs().getClient<{ handshake?: TokenRequest; upgrade?: TokenRequest }>();
    return handshake ?? upgrade ?? { headers: {} };
  }
}

@WebSocketGateway()
class Gateway implements OnGatewayConnection {
  /** The plain `ws` platform hands the request over here, and only here. */
  handleConnection(client: { upgrade?: unknown }, upgrade: unknown): void {
    client.upgrade = upgrade;
  }

  @SubscribeMessage('handshake')
  @UseGuards(HandshakeGuard)
  handshake(): SocketMessage {
    return { event: 'let in', data: null };
  }

  @SubscribeMessage('caller')
  @UseGuards(HandshakeGuard)
  caller(@CurrentUser() user?: Principal): SocketMessage {
    return { event: 'caller', data: user?.sub ?? null };
  }

  @SubscribeMessage('stock')
  @UseGuards(JwtAuthGuard)
  stock(): SocketMessage {
    return { event: 'let in', data: null };
  }

  @SubscribeMessage('public')
  @Public()
  @UseGuards(JwtAuthGuard)
  open(@CurrentUser() user?: Principal): SocketMessage {
    return { event: 'let in', data: user?.sub ?? null };
  }

  @SubscribeMessage('unmarked')
  unmarked(): SocketMessage {
    return { event: 'let in', data: null };
  }
}

let running: TestApp;
let log: CapturedLog;

/** Starts an application that logs to {@link log}. */
async function start({ prepare, ...setup }: AppSetup): Promise<TestApp> {
  log = new CapturedLog();
  running = await startApp({
    ...setup,
    prepare: async (app) => {
      app.useLogger(log);
      await prepare?.(app);
    },
  });
  return running;
}

const signIn = (subject = 'alice'): Promise<TokenPair> => running.app.get(RefreshService).signIn(subject);

describe.each(SOCKET_PLATFORMS)('a gateway on %s', (platform: SocketPlatform) => {
  const sockets: TestSocket[] = [];
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.close();
    await running.close();
  });
  const startGateway = (setup: AppSetup = {}): Promise<TestApp> =>
    start({
      controllers: [],
      providers: [Gateway],
      prepare: (app) => void app.useWebSocketAdapter(platform === 'ws' ? new WsAdapter(app) : new IoAdapter(app)),
      ...setup,
    });
  const open = (pair?: TokenPair): Promise<TestSocket> => openWith(pair && authorizationOf(pair));
  const openWith = async (headers?: Record<string, string>): Promise<TestSocket> => {
    const socket = await openSocket(platform, running.port, headers);
    sockets.push(socket);
    return socket;
  };
  const expectRefusal = ({ event, data }: SocketMessage): void => {
    expect([event, data]).toEqual(['exception', expect.objectContaining({ status: 'error' })]);
    expect((data as { message: string }).message).not.toBe(UNKNOWN);
    expect(log.of('error').join('\n')).not.toContain('TypeError');
  };

  it('lets messages in on a socket whose handshake carried a good token', async () => {
    await startGateway();
    const socket = await open(await signIn());
    expect([await socket.ask('handshake'), await socket.ask('handshake')]).toMatchObject([{ event: 'let in' }, { event: 'let in' }]);
  });

  it('gives the caller to @CurrentUser() as the overridden getRequest has it (F-32)', async () => {
    await startGateway();
    expect(await (await open(await signIn())).ask('caller')).toEqual({ event: 'caller', data: 'alice' });
  });

  it('refuses messages on an open socket when the session has been revoked (F-04)', async () => {
    await startGateway();
    const pair = await signIn();
    const socket = await open(pair);
    expect(await socket.ask('handshake')).toMatchObject({ event: 'let in' });
    await running.app.get(RefreshService).signOut(pair.refreshToken);
    expectRefusal(await socket.ask('handshake'));
  });

  it('refuses messages on an open socket when the token has expired (F-04)', async () => {
    const clock = new FakeClock(Date.now());
    await startGateway({ clock });
    const socket = await open(await signIn());
    expect(await socket.ask('handshake')).toMatchObject({ event: 'let in' });
    clock.advance('16m');
    expectRefusal(await socket.ask('handshake'));
  });

  it('lets messages in on a socket whose handshake carried a cookie, unless a page of another site has opened it (CK-08)', async () => {
    await startGateway({ options: { transport: 'cookie' } });
    const { accessToken: access, refreshToken: refresh } = await signIn();
    const own = carrying('cookie', { access, refresh });
    expect(await (await openWith(own)).ask('handshake')).toMatchObject({ event: 'let in' });
    expectRefusal(await (await openWith({ ...own, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' })).ask('handshake'));
  });

  it('never refresh with the cookie of their handshake, because no message can carry a new one (CK-06)', async () => {
    await startGateway({ options: { transport: 'cookie' } });
    const { refreshToken } = await signIn();
    const socket = await openWith(carrying('cookie', { refresh: refreshToken }));
    for (let message = 0; message < 3; message += 1) expectRefusal(await socket.ask('handshake'));
    expect(await running.app.get(RefreshService).rotate(refreshToken)).toMatchObject({ outcome: 'rotated' });
  });

  it('asks loadUser again for each message on an open socket (F-04)', async () => {
    let isGone = false;
    await startGateway({ options: { loadUser: () => (isGone ? null : {}) } });
    const socket = await open(await signIn());
    expect(await socket.ask('handshake')).toMatchObject({ event: 'let in' });
    isGone = true;
    expectRefusal(await socket.ask('handshake'));
  });

  it('refuses a message without credentials with an error of its kind (F-08)', async () => {
    await startGateway();
    expectRefusal(await (await open()).ask('handshake'));
  });

  it('refuses messages with the stock guard, which knows no request there, with an error of its kind (F-08)', async () => {
    await startGateway();
    expectRefusal(await (await open()).ask('stock'));
    expectRefusal(await (await open()).ask('stock', { headers: authorizationOf(await signIn()) }));
  });

  it('refuses unmarked messages with globalGuard with an error of its kind, and lets public ones in (F-08)', async () => {
    await startGateway({ options: { globalGuard: true } });
    const socket = await open();
    expectRefusal(await socket.ask('unmarked'));
    expect(await socket.ask('public', { user: { sub: 'mallory' } })).toEqual({ event: 'let in', data: null });
  });
});

@ObjectType()
class Caller {
  @Field(() => String, { nullable: true })
  sub?: string | null;
}

@Resolver(() => Caller)
class Callers {
  @Query(() => Caller)
  @UseGuards(JwtAuthGuard)
  me(@CurrentUser() user: Principal): Caller {
    return { sub: user.sub };
  }

  @Mutation(() => Caller)
  @OptionalAuth()
  @UseGuards(JwtAuthGuard)
  customer(@CurrentUser() user?: Principal): Caller {
    return { sub: user?.sub ?? null };
  }

  @Mutation(() => Caller)
  @AuthInstance('partner')
  @UseGuards(JwtAuthGuard)
  partner(@CurrentUser() user: Principal): Caller {
    return { sub: user.sub };
  }

  @Subscription(() => Caller, { resolve: (caller: Caller) => caller })
  @UseGuards(JwtAuthGuard)
  async *callers(): AsyncGenerator<Caller> {
    yield Promise.resolve({ sub: 'anyone' });
  }
}

describe('GraphQL', () => {
  const clients: Client[] = [];
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.dispose();
    await running.close();
  });
  const startGraphql = (setup: AppSetup = {}): Promise<TestApp> =>
    start({
      ...setup,
      controllers: [],
      providers: [Callers],
      imports: [
        GraphQLModule.forRoot<ApolloDriverConfig>({
          driver: ApolloDriver,
          autoSchemaFile: true,
          subscriptions: { 'graphql-ws': true },
          context: ({ req, extra }: { req?: object; extra?: { request: object } }) => ({ req: req ?? extra?.request }),
        }),
        partnerModule(),
      ],
    });
  const partner = (subject: string): Promise<TokenPair> => running.app.get<RefreshService>(refreshServiceToken('partner')).signIn(subject);
  const post = async (query: string, headers: Record<string, string>): Promise<unknown> =>
    (await running.call('/graphql', { method: 'POST', headers, body: { query } })).json();
  const connect = (pair: TokenPair): Client => {
    class AuthorizedSocket extends WebSocket {
      constructor(address: string, protocols: string) {
        super(address, protocols, { headers: authorizationOf(pair) });
      }
    }
    const client = createClient({
      url: `ws://127.0.0.1:${running.port}/graphql`,
      webSocketImpl: AuthorizedSocket,
      lazy: false,
      retryAttempts: 0,
    });
    clients.push(client);
    return client;
  };
  /** Everything that an operation gives until it ends. */
  const operate = async (client: Client, query: string): Promise<unknown[]> => {
    const results: unknown[] = [];
    for await (const result of client.iterate({ query })) results.push(result);
    return results;
  };

  it.each(['{ me { sub } }', 'query Both { one: me { sub } two: me { sub } }'])(
    'knows the caller of an operation over HTTP: %s',
    async (query) => {
      await startGraphql();
      const { data } = (await post(query, authorizationOf(await signIn()))) as { data: Record<string, unknown> };
      for (const caller of Object.values(data)) expect(caller).toEqual({ sub: 'alice' });
    },
  );

  it('knows the caller of an operation over graphql-ws', async () => {
    await startGraphql();
    expect(await operate(connect(await signIn()), '{ me { sub } }')).toEqual([{ data: { me: { sub: 'alice' } } }]);
  });

  it('refuses an operation over graphql-ws when the session has been revoked (F-04)', async () => {
    await startGraphql();
    const pair = await signIn();
    const client = connect(pair);
    const opened: unknown[] = [];
    client.on('opened', () => opened.push(1));
    expect(await operate(client, '{ me { sub } }')).toEqual([{ data: { me: { sub: 'alice' } } }]);
    await running.app.get(RefreshService).signOut(pair.refreshToken);
    const [result] = (await operate(client, '{ me { sub } }')) as { data: unknown; errors?: { message: string }[] }[];
    expect([result?.data ?? null, result?.errors?.length, opened.length]).toEqual([null, 1, 1]);
  });

  it('refuses an operation over graphql-ws when the token has expired (F-04)', async () => {
    const clock = new FakeClock(Date.now());
    await startGraphql({ clock });
    const client = connect(await signIn());
    const opened: unknown[] = [];
    client.on('opened', () => opened.push(1));
    expect(await operate(client, '{ me { sub } }')).toEqual([{ data: { me: { sub: 'alice' } } }]);
    clock.advance('16m');
    const [result] = (await operate(client, '{ me { sub } }')) as { data: unknown; errors?: { message: string }[] }[];
    expect([result?.data ?? null, result?.errors?.length, opened.length]).toEqual([null, 1, 1]);
  });

  it('refuses a subscription, and says that it does (F-08)', async () => {
    await startGraphql();
    const results = await operate(connect(await signIn()), 'subscription { callers { sub } }').catch((errors: unknown) => [{ errors }]);
    expect(results).toMatchObject([{ errors: [{ message: expect.stringMatching(/subscription/i) }] }]);
    expect(JSON.stringify(results)).not.toContain('anyone');
  });

  describe('with two instances in one operation', () => {
    it('gives no optional resolver the caller of the other instance (F-06)', async () => {
      await startGraphql();
      const headers = { 'x-partner': (await partner('partner-1')).accessToken };
      const expected = { partner: { sub: 'partner-1' }, customer: { sub: null } };
      expect(await post('mutation { partner { sub } customer { sub } }', headers)).toEqual({ data: expected });
      expect(await post('mutation { customer { sub } partner { sub } }', headers)).toEqual({ data: expected });
    });

    it('gives each resolver the caller of its own instance (F-06)', async () => {
      await startGraphql();
      const headers = { 'x-partner': (await partner('partner-1')).accessToken, ...authorizationOf(await signIn()) };
      const expected = { partner: { sub: 'partner-1' }, customer: { sub: 'alice' } };
      expect(await post('mutation { partner { sub } customer { sub } again: partner { sub } }', headers)).toEqual({
        data: { ...expected, again: expected.partner },
      });
    });
  });
});
