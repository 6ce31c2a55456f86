import type { INestApplication, Type } from '@nestjs/common';
import { Body, Controller, Get, HttpCode, Module, Post, Query, UseGuards, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { Principal, TokenEvent, TokenModuleRootOptions, TokenPair } from 'nestjs-token';
import {
  ClearTokens,
  CurrentUser,
  JwtAuthGuard,
  RefreshService,
  RefreshToken,
  RefreshTokenGuard,
  TokenInterceptor,
  TokenModule,
} from 'nestjs-token';
import { RedisRevocationPush } from 'nestjs-token/redis';
import { Redis } from 'ioredis';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { DataSourceOptions } from 'typeorm';
import { DataSource } from 'typeorm';
import type { Orders } from './control.js';
import { Control } from './control.js';
import { addColumnOfNextRelease } from './next-release.entity.js';
import type { NodeConfig } from './node-config.js';
import { countResponses, openResponses } from './response-census.js';
import { SlowController } from './slow.controller.js';
import { activeTimers } from './timer-census.js';

const control = new Control();
const outcomes: Record<string, number> = {};

@Controller()
class TestController {
  constructor(
    private readonly sessions: RefreshService,
    private readonly dataSource: DataSource,
  ) {}

  @Post('login')
  @HttpCode(200)
  @UseInterceptors(TokenInterceptor)
  async login(@Body() { subject }: { subject: string }): Promise<TokenPair> {
    return this.sessions.signIn(subject);
  }

  @Post('logout')
  @HttpCode(204)
  @ClearTokens()
  @UseGuards(RefreshTokenGuard)
  @UseInterceptors(TokenInterceptor)
  async logout(@RefreshToken() refreshToken?: string): Promise<void> {
    await this.sessions.signOut(refreshToken);
  }

  @Post('revoke-all')
  @HttpCode(204)
  @UseInterceptors(TokenInterceptor)
  async revokeAll(@Body() { subject }: { subject: string }): Promise<void> {
    await this.sessions.revokeAll(subject);
  }

  @Get('me')
  @UseGuards(JwtAuthGuard)
  me(@CurrentUser() user: Principal): Principal {
    return user;
  }

  @Get('slow')
  @UseGuards(JwtAuthGuard)
  async slow(@Query('ms') ms: string): Promise<object> {
    await delay(Number(ms));
    return { slept: ms };
  }

  /** A handler with an open transaction: it holds a connection of the application's pool. */
  @Get('hold')
  @UseGuards(JwtAuthGuard)
  async hold(@Query('ms') ms: string): Promise<object> {
    return this.dataSource.transaction(async (manager) => {
      await manager.query('SELECT 1');
      await delay(Number(ms));
      return { held: ms };
    });
  }

  @Post('control')
  @HttpCode(204)
  obey(@Body() orders: Orders): void {
    control.obey(orders);
  }

  @Get('status')
  status(): object {
    const { calls, held } = control;
    return { outcomes, pool: poolOf(this.dataSource), calls, held, open: openResponses(), timers: activeTimers() };
  }
}

/** Connections that are in use, and callers that wait for one. */
function poolOf({ driver }: DataSource): { used: number; waiting: number } {
  const { master, pool } = driver as { master?: PostgresPool; pool?: MysqlPool };
  if (pool) return { used: pool._allConnections.length - pool._freeConnections.length, waiting: pool._connectionQueue.length };
  return typeof master?.totalCount === 'number'
    ? { used: master.totalCount - master.idleCount, waiting: master.waitingCount }
    : { used: 0, waiting: 0 };
}

interface PostgresPool {
  totalCount: number;
  idleCount: number;
  waitingCount: number;
}

interface MysqlPool {
  _allConnections: { length: number; toArray(): MysqlConnection[] };
  _freeConnections: { length: number };
  _connectionQueue: { length: number };
  on(event: 'connection', listener: (connection: MysqlConnection) => void): void;
}

interface MysqlConnection {
  query(sql: string): void;
}

/** On the connections that are there, and on those to come. */
function runOnConnections({ driver }: DataSource, sql: string): void {
  const { pool } = driver as unknown as { pool: MysqlPool };
  for (const connection of pool._allConnections.toArray()) connection.query(sql);
  pool.on('connection', (connection) => connection.query(sql));
}

function pushBy(port: number): RedisRevocationPush {
  return new RedisRevocationPush(new Redis({ host: '127.0.0.1', port }).on('error', () => undefined));
}

export async function startNode({
  dataSource,
  options = {},
  adapter = 'express',
  hooks,
  claimsHook,
  redisPort,
  release,
  sessionSql,
}: NodeConfig): Promise<NodePorts> {
  if (release === 'next') addColumnOfNextRelease();
  const onEvent = async ({ type }: TokenEvent): Promise<void> => {
    outcomes[type] = (outcomes[type] ?? 0) + 1;
    await control.onEvent();
  };
  const tokens = {
    ...options,
    onEvent,
    ...(hooks && { loadUser: (subject: string) => control.loadUser(subject) }),
    ...(claimsHook && { claims: () => control.claims() }),
    ...(redisPort !== undefined && { push: pushBy(redisPort) }),
  };
  @Module({
    imports: [
      TypeOrmModule.forRoot({ ...(dataSource as unknown as DataSourceOptions), autoLoadEntities: true, retryDelay: 200 }),
      TokenModule.forRoot(tokens as unknown as TokenModuleRootOptions),
    ],
    controllers: [TestController, SlowController],
    providers: [{ provide: Control, useValue: control }],
  })
  class TestModule {}
  const app = await create(TestModule, adapter);
  app.enableShutdownHooks();
  countResponses(app);
  if (sessionSql !== undefined) runOnConnections(app.get(DataSource), sessionSql);
  await app.listen(0, '127.0.0.1');
  const port = portOf(app.getHttpServer() as Server);
  return { port, controlPort: adapter === 'http2' ? await serveControls(app.get(TestController)) : port };
}

/** Where a process listens. */
interface NodePorts {
  port: number;
  controlPort: number;
}

async function create(module: Type, adapter: Required<NodeConfig>['adapter']): Promise<INestApplication> {
  const logger = ['error', 'warn'] as const;
  if (adapter === 'express') return NestFactory.create(module, { logger: [...logger] });
  const fastify = adapter === 'http2' ? new FastifyAdapter({ http2: true }) : new FastifyAdapter();
  const app = await NestFactory.create<NestFastifyApplication>(module, fastify, { logger: [...logger] });
  // The handler reads the body.
  fastify.getInstance().addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
  return app;
}

/** The controls over HTTP/1.1, where the application speaks HTTP/2. */
async function serveControls(controller: TestController): Promise<number> {
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.end(JSON.stringify(controller.status()));
      return;
    }
    void text(request).then((body) => {
      controller.obey(JSON.parse(body) as Orders);
      response.writeHead(204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return portOf(server);
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
