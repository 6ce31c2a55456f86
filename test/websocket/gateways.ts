import { expect } from '@jest/globals';
import { UseGuards } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import type { OnGatewayConnection } from '@nestjs/websockets';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { Principal, SessionInfo, TokenPair } from 'nestjs-token';
import {
  AccessToken,
  AccessTokenService,
  CurrentSession,
  CurrentUser,
  Fresh,
  JwtAuthGuard,
  OptionalAuth,
  Protected,
  Public,
  RefreshService,
  TokenSockets,
} from 'nestjs-token';
import { FakeClock } from 'nestjs-token/testing';
import type { AppSetup, TestApp } from '../support/app.js';
import { startApp } from '../support/app.js';
import { CapturedLog } from '../support/captured-log.js';
import type { HandshakeSetup, SocketMessage, SocketPlatform, TestSocket } from '../support/sockets.js';
import { shakeHands } from '../support/sockets.js';

interface Clients {
  emit?: (event: string, data: unknown) => void;
  clients?: Set<{ send(data: string): void }>;
}

/** Sends a message to every client of a server, whoever it is. */
export function broadcast(server: Clients & object, event: string, data: unknown): void {
  if (server.clients instanceof Set) for (const client of server.clients) client.send(JSON.stringify({ event, data }));
  else server.emit?.(event, data);
}

/** Everything in it needs a good token. */
@WebSocketGateway()
@UseGuards(JwtAuthGuard)
export class ClosedGateway implements OnGatewayConnection {
  @WebSocketServer() server!: Clients & object;
  /** The callers of `handleConnection`. */
  readonly callers: (string | undefined)[] = [];
  readonly clients: object[] = [];
  /** The messages whose handlers ran. */
  readonly handled: unknown[] = [];

  constructor(readonly sockets: TokenSockets) {}

  handleConnection(client: object): void {
    this.clients.push(client);
    this.callers.push(this.sockets.callerOf(client)?.sub);
  }

  @SubscribeMessage('me')
  me(@CurrentUser() user: Principal, @CurrentSession() session: SessionInfo, @MessageBody() payload: unknown): SocketMessage {
    this.handled.push(payload);
    return { event: 'me', data: { sub: user.sub, session: session.sessionId, user: user.user ?? null } };
  }

  @SubscribeMessage('token')
  token(@AccessToken() token?: string): SocketMessage {
    return { event: 'token', data: token };
  }

  @SubscribeMessage('slow')
  async slow(@CurrentUser() before: Principal, @CurrentUser('sub') sub: string): Promise<SocketMessage> {
    await Promise.resolve();
    return { event: 'slow', data: [before.sub, sub] };
  }

  @SubscribeMessage('fresh')
  @Fresh('5m')
  fresh(): SocketMessage {
    return { event: 'fresh', data: null };
  }

  @SubscribeMessage('authenticate')
  async authenticate(@ConnectedSocket() client: object, @MessageBody('token') token: unknown): Promise<SocketMessage> {
    const { sub } = await this.sockets.authenticate(client, token);
    return { event: 'authenticated', data: sub };
  }
}

/** Some of it is open to everybody. */
@WebSocketGateway()
@UseGuards(JwtAuthGuard)
@Public()
export class OpenGateway {
  constructor(readonly sockets: TokenSockets) {}

  @SubscribeMessage('me')
  @Protected()
  me(@CurrentUser('sub') sub: string): SocketMessage {
    return { event: 'me', data: sub };
  }

  @SubscribeMessage('anyone')
  anyone(@CurrentUser('sub') sub?: string): SocketMessage {
    return { event: 'anyone', data: sub ?? null };
  }

  @SubscribeMessage('optional')
  @OptionalAuth()
  optional(@CurrentUser('sub') sub?: string): SocketMessage {
    return { event: 'optional', data: sub ?? null };
  }

  @SubscribeMessage('authenticate')
  async authenticate(@ConnectedSocket() client: object, @MessageBody('token') token: unknown): Promise<SocketMessage> {
    const { sub } = await this.sockets.authenticate(client, token);
    return { event: 'authenticated', data: sub };
  }
}

/** Only a global guard guards it. */
@WebSocketGateway()
export class GloballyGuardedGateway {
  @SubscribeMessage('who')
  who(@CurrentUser('sub') sub?: string): SocketMessage {
    return { event: 'who', data: sub ?? null };
  }
}

/** It only sends. */
@WebSocketGateway()
@UseGuards(JwtAuthGuard)
export class TickerGateway {
  @WebSocketServer() server!: Clients & object;
}

/** An application with gateways, and the sockets that are open to it. */
export class SocketApp {
  readonly log = new CapturedLog();
  readonly clock = new FakeClock(Date.now());
  private readonly open: TestSocket[] = [];
  private running: TestApp | undefined;

  constructor(private readonly platform: SocketPlatform) {}

  get app(): TestApp['app'] {
    return this.running!.app;
  }

  get port(): number {
    return this.running!.port;
  }

  get refresh(): RefreshService {
    return this.app.get(RefreshService);
  }

  get sockets(): TokenSockets {
    return this.app.get(TokenSockets);
  }

  async start({ prepare, ...setup }: AppSetup): Promise<this> {
    // The database dates sessions by its own clock.
    this.clock.set(Date.now());
    this.running = await startApp({
      clock: this.clock,
      controllers: [],
      ...setup,
      prepare: async (app) => {
        app.useLogger(this.log);
        app.useWebSocketAdapter(this.platform === 'ws' ? new WsAdapter(app) : new IoAdapter(app));
        await prepare?.(app);
      },
    });
    return this;
  }

  /** The store dates sessions by its own clock, so that of the application must not be behind it. */
  async signIn(subject = 'alice'): Promise<TokenPair> {
    this.clock.set(Math.max(this.clock.now(), Date.now() + 1_000));
    return this.refresh.signIn(subject);
  }

  /** Another access token of the session, issued now by the clock of the application. */
  renewed({ sessionId }: TokenPair, subject = 'alice'): Promise<string> {
    return this.app.get(AccessTokenService).sign(subject, { sessionId });
  }

  /** Opens a socket. Rejects where socket.io refuses it. */
  async connect(setup: HandshakeSetup = {}): Promise<TestSocket> {
    const socket = await shakeHands(this.platform, this.port, setup);
    this.open.push(socket);
    return socket;
  }

  /** Opens a socket that is refused. @returns what the client learns. */
  async refusal(setup: HandshakeSetup = {}): Promise<unknown> {
    if (this.platform === 'socket.io') {
      return shakeHands('socket.io', this.port, setup).then(
        () => 'let in',
        (error: unknown) => (error as { data?: unknown }).data,
      );
    }
    const socket = await this.connect(setup);
    const [code, reason] = (await socket.closed) as [number, string];
    return { ...(socket.received.at(-1)?.data as object), code, reason, messages: socket.received.length };
  }

  async close(): Promise<void> {
    for (const socket of this.open.splice(0)) socket.close();
    await this.running?.close();
  }
}

/** What a client learns when it is refused. */
export function refusedWith(platform: SocketPlatform, errorCode: string, code = 4401): unknown {
  const failure = { status: 'error', errorCode, message: expect.any(String) as unknown };
  return platform === 'ws' ? { ...failure, code, reason: errorCode, messages: 1 } : failure;
}

/** The error code of an event about a refusal. */
export function codeOf(event: object): unknown {
  return 'code' in event ? event.code : undefined;
}
