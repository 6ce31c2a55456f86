import { describe } from '@jest/globals';
import { SESSION_MIGRATIONS, TokenSessionEntity } from 'nestjs-token/typeorm';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import type { DataSourceOptions } from 'typeorm';
import { DataSource } from 'typeorm';

export const SERVERS = { postgres: { port: 5432, username: 'postgres' }, mariadb: { port: 3306, username: 'root' } } as const;
export const REDIS_PORT = 6379;
export type ServerEngine = keyof typeof SERVERS;
export type Engine = 'sqlite' | ServerEngine;
export const ENGINES: readonly Engine[] = ['sqlite', 'postgres', 'mariadb'];

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

/** A fresh schema (PostgreSQL), database (MariaDB) or SQLite database, dropped by `drop()`. */
export async function openDatabase(
  engine: Engine,
  { tables = 'migrations', over = {}, file = ':memory:', defaults = '' }: DatabaseSetup = {},
): Promise<TestDatabase> {
  const name = `token_${randomBytes(6).toString('hex')}`;
  const administrator = engine === 'sqlite' ? null : await new DataSource(serverOptions(engine)).initialize();
  await administrator?.query(engine === 'postgres' ? `CREATE SCHEMA ${name}` : `CREATE DATABASE ${name} ${defaults}`);
  const options = {
    ...(engine === 'sqlite' ? { type: 'better-sqlite3', database: file } : serverOptions(engine)),
    ...(engine === 'postgres' && { schema: name, extra: { options: `-c search_path=${name}` } }),
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
      await administrator?.query(engine === 'postgres' ? `DROP SCHEMA ${name} CASCADE` : `DROP DATABASE ${name}`);
      await administrator?.destroy();
    },
  };
}

/** Options for the server itself; its database is called test. */
export function serverOptions(engine: ServerEngine, port: number = SERVERS[engine].port): DataSourceOptions {
  return { type: engine, host: '127.0.0.1', port, username: SERVERS[engine].username, database: 'test' };
}

/** `describe`, or a skip that says why: without `TEST_DATABASES=all` a server that is not there is no failure. */
export async function describeOn(engine: Engine): Promise<(title: string, suite: () => void) => void> {
  return engine === 'sqlite' ? describe : describeIfReachable(engine, SERVERS[engine].port);
}

/** The same for Redis. */
export async function describeOnRedis(): Promise<(title: string, suite: () => void) => void> {
  return describeIfReachable('redis', REDIS_PORT);
}

async function describeIfReachable(name: string, port: number): Promise<(title: string, suite: () => void) => void> {
  const reason = await unreachable(port);
  if (reason === null) return describe;
  if (process.env.TEST_DATABASES === 'all') throw new Error(`${name}: ${reason}`);
  return (title, suite) => describe.skip(`${title} (skipped: ${name} ${reason})`, suite);
}

/** @returns why nothing can be reached at a port of this machine, or null. */
export function unreachable(port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(null);
    });
    socket.on('error', () => resolve(`does not answer on 127.0.0.1:${port}`));
  });
}
