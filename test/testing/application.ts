import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { Controller, Get, UseGuards } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { TestingModuleBuilder } from '@nestjs/testing';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { TokenModuleRootOptions } from 'nestjs-token';
import { AuthInstance, Fresh, JwtAuthGuard, TokenModule } from 'nestjs-token';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'typeorm';
import type { AdapterName, Answer } from '../support/app.js';
import { call, ISSUER, MeController, SECRET } from '../support/app.js';

@Controller()
@UseGuards(JwtAuthGuard)
class MoreRoutes {
  @Get('fresh')
  @Fresh('5m')
  fresh(): string {
    return 'fresh';
  }

  @Get('admin')
  @AuthInstance('admin')
  admin(): string {
    return 'admin';
  }
}

/** The database of an application. */
export interface ApplicationDatabase {
  /** Whether the database gets the table of sessions. @defaultValue true */
  readonly synchronize?: boolean;
  /** Is given the text of every statement. */
  readonly statements?: string[];
}

/** An application as users of this package write it: TypeORM, and two instances of the module. */
export function application(options: Partial<TokenModuleRootOptions> = {}, database: ApplicationDatabase = {}): TestingModuleBuilder {
  const { synchronize = true, statements = [] } = database;
  const own = { issuer: ISSUER, secret: SECRET, ...options };
  const logger = new StatementLog((sql) => statements.push(sql));
  const imports: ModuleMetadata['imports'] = [
    TypeOrmModule.forRoot({ type: 'better-sqlite3', database: ':memory:', autoLoadEntities: true, synchronize, logger }),
    TokenModule.forRoot(own),
    TokenModule.forRoot({ ...own, name: 'admin' }),
  ];
  return Test.createTestingModule({ imports, controllers: [MeController, MoreRoutes] });
}

class StatementLog implements Logger {
  constructor(readonly logQuery: (sql: string) => void) {}

  logQueryError(): void {}
  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}

export interface RunningApplication {
  readonly app: INestApplication;
  get(path: string, headers: Record<string, string>): Promise<Answer>;
}

/** Compiles and starts an application. */
export async function started(builder: TestingModuleBuilder, adapter: AdapterName): Promise<RunningApplication> {
  const compiled = await builder.compile();
  const app: INestApplication =
    adapter === 'express' ? compiled.createNestApplication() : compiled.createNestApplication(new FastifyAdapter());
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  return { app, get: (path, headers) => call({ port, path, headers }) };
}
