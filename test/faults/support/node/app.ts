import type { INestApplication } from '@nestjs/common';
import { Body, Controller, Get, Headers, HttpCode, Module, Post, Query, UseGuards, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { Principal, SessionEvent, TokenModuleRootOptions, TokenPair } from 'nestjs-token';
import { CurrentUser, JwtAuthGuard, RedisRevocationPush, RefreshService, TokenInterceptor, TokenModule } from 'nestjs-token';
import { Redis } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import type { DataSourceOptions } from 'typeorm';
import { DataSource } from 'typeorm';
import type { Orders } from './control.js';
import { Control } from './control.js';
import { addColumnOfNextRelease } from './next-release.entity.js';
import type { NodeConfig } from './node-config.js';

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
  @UseInterceptors(TokenInterceptor)
  async logout(@Headers('x-refresh-token') refreshToken: string): Promise<void> {
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
    return { outcomes, pool: poolOf(this.dataSource) };
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
  redisPort,
  release,
  sessionSql,
}: NodeConfig): Promise<number> {
  if (release === 'next') addColumnOfNextRelease();
  const onEvent = async ({ type }: SessionEvent): Promise<void> => {
    outcomes[type] = (outcomes[type] ?? 0) + 1;
    await control.onEvent();
  };
  const tokens = {
    ...options,
    onEvent,
    ...(hooks && { loadUser: (subject: string) => control.loadUser(subject) }),
    ...(redisPort !== undefined && { push: pushBy(redisPort) }),
  };
  @Module({
    imports: [
      TypeOrmModule.forRoot({ ...(dataSource as unknown as DataSourceOptions), autoLoadEntities: true, retryDelay: 200 }),
      TokenModule.forRoot(tokens as unknown as TokenModuleRootOptions),
    ],
    controllers: [TestController],
  })
  class TestModule {}
  const app: INestApplication =
    adapter === 'express'
      ? await NestFactory.create(TestModule, { logger: ['error', 'warn'] })
      : await NestFactory.create(TestModule, new FastifyAdapter(), { logger: ['error', 'warn'] });
  app.enableShutdownHooks();
  if (sessionSql !== undefined) runOnConnections(app.get(DataSource), sessionSql);
  await app.listen(0, '127.0.0.1');
  return (app.getHttpServer() as { address(): { port: number } }).address().port;
}
