import type { INestApplication, INestMicroservice } from '@nestjs/common';
import { Controller, UseGuards } from '@nestjs/common';
import type { ClientOptions, ClientProxy, MicroserviceOptions } from '@nestjs/microservices';
import { ClientProxyFactory, EventPattern, MessagePattern, Payload, Transport } from '@nestjs/microservices';
import type { Principal, SessionInfo } from 'nestjs-token';
import {
  AccessToken,
  AuthInstance,
  CurrentSession,
  CurrentUser,
  Fresh,
  JwtAuthGuard,
  OptionalAuth,
  Public,
  RefreshService,
  TokenLocations,
} from 'nestjs-token';
import { InMemoryTokenRepository } from 'nestjs-token/testing';
import { randomUUID } from 'node:crypto';
import type { AddressInfo, Server } from 'node:net';
import { firstValueFrom } from 'rxjs';
import type { AppSetup, TestApp } from './app.js';
import { partnerModule, startApp } from './app.js';
import { CapturedLog } from './captured-log.js';

/** Patterns of this process. Redis and NATS carry the messages of all test runs. */
const OWN = `test-${randomUUID()}`;
const pattern = (name: string): string => `${OWN}.${name}`;

/** What a handler answers: what it was given, and who called. */
export interface Received {
  readonly payload: unknown;
  readonly sub: string | null;
  readonly session?: string | null;
}

/** The event handlers that have run in this process. */
export const EVENTS: Received[] = [];

@Controller()
export class MessageController {
  constructor(private readonly refresh: RefreshService) {}

  @MessagePattern(pattern('guarded'))
  @UseGuards(JwtAuthGuard)
  guarded(@Payload() payload: unknown, @CurrentUser() user: Principal, @CurrentSession() session: SessionInfo): Received {
    return { payload, sub: user.sub, session: session.sessionId ?? null };
  }

  /** Two guards of one message: the first one has taken the token out of the payload. */
  @MessagePattern(pattern('twice'))
  @UseGuards(JwtAuthGuard, JwtAuthGuard)
  twice(@Payload() payload: unknown, @CurrentUser('sub') sub: string): Received {
    return { payload, sub };
  }

  @MessagePattern(pattern('optional'))
  @OptionalAuth()
  @UseGuards(JwtAuthGuard)
  optional(@Payload() payload: unknown, @CurrentUser('sub') sub?: string): Received {
    return { payload, sub: sub ?? null };
  }

  @MessagePattern(pattern('public'))
  @Public()
  @UseGuards(JwtAuthGuard)
  open(@Payload() payload: unknown, @CurrentUser('sub') sub?: string): Received {
    return { payload, sub: sub ?? null };
  }

  @MessagePattern(pattern('fresh'))
  @Fresh('1m')
  @UseGuards(JwtAuthGuard)
  fresh(@Payload() payload: unknown, @CurrentUser('sub') sub: string): Received {
    return { payload, sub };
  }

  @MessagePattern(pattern('partner'))
  @AuthInstance('partner')
  @UseGuards(JwtAuthGuard)
  partner(@Payload() payload: unknown, @CurrentUser('sub') sub: string): Received {
    return { payload, sub };
  }

  @MessagePattern(pattern('own-field'))
  @TokenLocations({ body: 'ticket' })
  @UseGuards(JwtAuthGuard)
  ownField(@Payload() payload: unknown, @CurrentUser('sub') sub: string): Received {
    return { payload, sub };
  }

  /** Calls another service with the token of its caller. */
  @MessagePattern(pattern('forward'))
  @UseGuards(JwtAuthGuard)
  forward(@AccessToken() token: string): string {
    return token;
  }

  /** Closed by `globalGuard` alone. */
  @MessagePattern(pattern('unmarked'))
  unmarked(@Payload() payload: unknown, @CurrentUser('sub') sub?: string): Received {
    return { payload, sub: sub ?? null };
  }

  /** Throws what `RefreshService` throws. */
  @MessagePattern(pattern('renew'))
  @Public()
  async renew(@Payload('refreshToken') token: string): Promise<string> {
    return (await this.refresh.rotate(token)).outcome;
  }

  @EventPattern(pattern('happened'))
  @UseGuards(JwtAuthGuard)
  happened(@Payload() payload: unknown, @CurrentUser('sub') sub: unknown): void {
    EVENTS.push({ payload, sub: sub as string });
  }
}

/** A transport of Nest, and its client. */
export interface MessageTransport {
  readonly server: MicroserviceOptions;
  /** @param service the server, which listens. */
  client(service: INestMicroservice): MicroserviceOptions;
}

export const TCP: MessageTransport = {
  server: { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } },
  client: (service) => {
    const { port } = service.unwrap<Server>().address() as AddressInfo;
    return { transport: Transport.TCP, options: { host: '127.0.0.1', port } };
  },
};

/** A microservice in an application of HTTP (a hybrid application), and a client of it. */
export interface MessageApp extends Pick<TestApp, 'app' | 'close'> {
  readonly log: CapturedLog;
  readonly client: ClientProxy;
  /** Sends a request, and returns its response or throws its error. */
  send(name: string, payload: unknown): Promise<unknown>;
  /** Sends a request, and returns its error, or what the handler gave. */
  refusal(name: string, payload: unknown): Promise<unknown>;
  /** Sends an event, and resolves when it has left. */
  emit(name: string, payload: unknown): Promise<void>;
}

export interface MessageSetup extends AppSetup {
  /** Whether global guards and filters count for messages. @defaultValue true */
  inheritAppConfig?: boolean;
}

/** Starts both, with a second module instance `partner`. */
export async function startMessages(
  transport: MessageTransport,
  { prepare, inheritAppConfig = true, ...setup }: MessageSetup = {},
): Promise<MessageApp> {
  const log = new CapturedLog();
  let service: INestMicroservice | undefined;
  const running = await startApp({
    ...setup,
    controllers: [MessageController],
    options: { repository: InMemoryTokenRepository, ...setup.options },
    imports: [partnerModule({ repository: InMemoryTokenRepository, rpc: { field: 'partnerToken' } })],
    prepare: async (app: INestApplication) => {
      app.useLogger(log);
      await prepare?.(app);
      service = app.connectMicroservice(transport.server, { inheritAppConfig });
      await app.startAllMicroservices();
    },
  });
  const client: ClientProxy = ClientProxyFactory.create(transport.client(service!) as ClientOptions);
  await client.connect();
  return { app: running.app, log, client, ...callsOf(client), close: () => closeAll(client, running) };
}

async function closeAll(client: ClientProxy, running: TestApp): Promise<void> {
  await client.close();
  await running.close();
}

/** What a client can do with the handlers of {@link MessageController}. */
export function callsOf(client: ClientProxy): Pick<MessageApp, 'send' | 'refusal' | 'emit'> {
  const send = (name: string, payload: unknown): Promise<unknown> => firstValueFrom(client.send<unknown>(pattern(name), payload as object));
  return {
    send,
    refusal: (name, payload) => send(name, payload).catch((error: unknown) => error),
    emit: async (name, payload) => {
      await firstValueFrom(client.emit(pattern(name), payload as object), { defaultValue: undefined });
    },
  };
}
