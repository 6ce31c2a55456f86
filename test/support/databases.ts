import { afterAll, describe } from '@jest/globals';
import { SESSION_MIGRATIONS, TokenSessionEntity } from 'nestjs-token/typeorm';
import { randomBytes } from 'node:crypto';
import type { DataSourceOptions } from 'typeorm';
import { DataSource } from 'typeorm';
import { EmbeddedPostgres } from './embedded-postgres.js';
import { describeWith, SERVERS } from './needs.js';

export type ServerEngine = keyof typeof SERVERS;
/** `pglite`: the dialect of PostgreSQL without a server. */
export type Engine = 'sqlite' | 'pglite' | ServerEngine;

declare global {
  /** Set by the project in jest.config.js. */
  var TEST_ENGINES: readonly Engine[];
}

/** The engines of this run: the embedded ones in `npm test`, the servers in `npm run test:databases`. */
export const ENGINES = globalThis.TEST_ENGINES;

/** A database of a suite's own. */
export interface TestDatabase {
  dataSource: DataSource;
  /** For other connections and processes to the same database. */
  options: DataSourceOptions;
  drop(): Promise<void>;
}

/** How the table comes into being. */
export interface DatabaseSetup {
  /** @defaultValue 'migrations' */
  tables?: 'migrations' | 'synchronize' | 'none';
  /** Over the options of the DataSource. */
  over?: Partial<DataSourceOptions>;
  /** SQLite only. @defaultValue in memory */
  file?: string;
  /** MariaDB only: what follows CREATE DATABASE and the name. */
  defaults?: string;
}

/** One connection knows which statements the one session of the embedded PostgreSQL has prepared. */
const ONE_CONNECTION = { max: 1, idleTimeoutMillis: 0 };

/** Whether an engine speaks PostgreSQL's dialect. */
export function isPostgres(engine: Engine): engine is 'postgres' | 'pglite' {
  return engine === 'postgres' || engine === 'pglite';
}

/** A fresh schema (PostgreSQL), database (MariaDB) or SQLite database, dropped by `drop()`. */
export async function openDatabase(
  engine: Engine,
  { tables = 'migrations', over = {}, file = ':memory:', defaults = '' }: DatabaseSetup = {},
): Promise<TestDatabase> {
  const name = `token_${randomBytes(6).toString('hex')}`;
  const administrator = await administratorOf(engine);
  if (engine === 'mariadb') await administrator?.query(`CREATE DATABASE ${name} ${defaults}`);
  if (isPostgres(engine)) await administrator?.query(`CREATE SCHEMA ${name}`);
  // The embedded one has a single session, which keeps its settings and the names of prepared statements.
  if (engine === 'pglite') await administrator?.query(`SET search_path TO ${name}; DEALLOCATE ALL`);
  const options = {
    ...(administrator?.options ?? { type: 'better-sqlite3', database: file }),
    ...(isPostgres(engine) && { schema: name, extra: { options: `-c search_path=${name}`, ...(engine === 'pglite' && ONE_CONNECTION) } }),
    ...(engine === 'mariadb' && { database: name }),
    entities: [TokenSessionEntity],
    migrations: SESSION_MIGRATIONS,
    migrationsRun: tables === 'migrations',
    synchronize: tables === 'synchronize',
    ...over,
  } as DataSourceOptions;
  const dataSource = await new DataSource(options).initialize();
  return {
    dataSource,
    options,
    drop: async () => {
      await dataSource.destroy();
      await administrator?.query(isPostgres(engine) ? `DROP SCHEMA ${name} CASCADE` : `DROP DATABASE ${name}`);
      await administrator?.destroy();
    },
  };
}

/** A connection that makes databases, or null for SQLite, where none is needed. */
async function administratorOf(engine: Engine): Promise<DataSource | null> {
  if (engine === 'sqlite') return null;
  const options = engine === 'pglite' ? await embeddedOptions() : serverOptions(engine);
  return new DataSource(options).initialize();
}

/** Options for the server itself; its database is called test. */
export function serverOptions(engine: ServerEngine, port: number = SERVERS[engine].port): DataSourceOptions {
  return { type: engine, host: '127.0.0.1', port, username: SERVERS[engine].username, database: 'test' };
}

/** One for each test file that needs it. */
let embedded: Promise<EmbeddedPostgres> | null = null;
afterAll(async () => (await embedded)?.stop());

async function embeddedOptions(): Promise<DataSourceOptions> {
  const { port } = await (embedded ??= EmbeddedPostgres.start());
  return { type: 'postgres', host: '127.0.0.1', port, username: 'postgres', database: 'postgres' };
}

/** `describe`, or a skip that says why. The embedded engines are always there: PostgreSQL's starts now, outside the time of a test. */
export async function describeOn(engine: Engine): Promise<(title: string, suite: () => void) => void> {
  if (engine === 'postgres' || engine === 'mariadb') return describeWith(engine);
  if (engine === 'pglite') await embeddedOptions();
  return describe;
}
