import type { INestApplication, LoggerService, Type } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WsAdapter } from '@nestjs/platform-ws';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { TokenModuleRootOptions, TransportMode } from 'nestjs-token';
import { TokenModule } from 'nestjs-token';
import type { AddressInfo } from 'node:net';
import type { KeptLog } from './kept-log.js';
import { KEYS, SECRET } from './keys.js';
import { Gateway, Routes } from './routes.js';

export const ADAPTERS = ['express', 'fastify'] as const;
export type AdapterName = (typeof ADAPTERS)[number];
export const MODES: readonly TransportMode[] = ['header', 'cookie', 'mixed'];

/** Short, so that sessions of honest users are refreshed many times in the course of a run. */
const ACCESS_LIFETIME = '2s';

/** One running application. */
export interface FuzzedApp {
  readonly name: string;
  readonly mode: TransportMode;
  readonly port: number;
  close(): Promise<void>;
}

/** Each mode has keys of another kind. */
const OPTIONS: Record<TransportMode, Partial<TokenModuleRootOptions>> = {
  header: { secret: SECRET },
  cookie: { keys: KEYS.ec, refresh: { secret: SECRET }, endpoints: { jwks: true } },
  mixed: { keys: KEYS.ed, refresh: { secret: SECRET }, endpoints: { jwks: true } },
};

/** Starts an application with all locations of access tokens, on a database of its own in memory. */
export async function startFuzzedApp(adapter: AdapterName, mode: TransportMode, log: KeptLog): Promise<FuzzedApp> {
  const tokens = TokenModule.forRoot({
    ...OPTIONS[mode],
    issuer: 'https://fuzz.example',
    transport: mode,
    locations: ['header', 'cookie', { query: 'access_token' }, { body: 'access_token' }],
    access: { lifetime: ACCESS_LIFETIME, maxLifetime: '1h', leeway: 0, cache: { max: 256 } },
    onEvent: log.event,
  });
  const database = TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:', autoLoadEntities: true, synchronize: true });
  @Module({ imports: [database, tokens], controllers: [Routes], providers: [Gateway] })
  class App {}
  const app = await create(App, adapter, log);
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { name: `${adapter} ${mode}`, mode, port, close: () => app.close() };
}

async function create(module: Type, adapter: AdapterName, logger: LoggerService): Promise<INestApplication> {
  const app: INestApplication =
    adapter === 'express'
      ? await NestFactory.create(module, { logger })
      : await NestFactory.create(module, new FastifyAdapter(), { logger });
  app.useWebSocketAdapter(new WsAdapter(app));
  return app;
}
