import { TokenSessionEntity } from 'nestjs-token/typeorm';
import { randomBytes } from 'node:crypto';
import type { DataSourceOptions, MixedList } from 'typeorm';
import { DataSource } from 'typeorm';

/** The number of database connections of each server, in every comparison. */
export const POOL = 10;

const ENGINES = {
  postgres: { port: 5432, username: 'postgres', create: 'CREATE SCHEMA', drop: 'DROP SCHEMA', cascade: ' CASCADE' },
  mariadb: { port: 3306, username: 'root', create: 'CREATE DATABASE', drop: 'DROP DATABASE', cascade: '' },
} as const;

export type Engine = keyof typeof ENGINES;

/** A schema (PostgreSQL) or a database (MariaDB) that belongs to one run. */
export interface BenchDatabase {
  readonly engine: Engine;
  readonly name: string;
  readonly dataSource: DataSource;
  /** Engine and version, for reports. */
  readonly version: string;
  drop(): Promise<void>;
}

/** Returns the options with which a server process connects to the database that its parent has created. */
export function connectionTo(engine: Engine, name: string): DataSourceOptions {
  const { port, username } = ENGINES[engine];
  const server = { host: '127.0.0.1', port, username };
  if (engine === 'mariadb') return { ...server, type: engine, database: name, extra: { connectionLimit: POOL } };
  return { ...server, type: engine, database: 'test', schema: name, extra: { max: POOL, options: `-c search_path=${name}` } };
}

/** Creates a schema with the tables of `entities`. {@link BenchDatabase.drop} removes all of it. */
export async function openDatabase(engine: Engine, entities: MixedList<string | (new () => object)> = []): Promise<BenchDatabase> {
  const name = `bench_${randomBytes(4).toString('hex')}`;
  const { port, username, create, drop, cascade } = ENGINES[engine];
  const administrator = await new DataSource({ type: engine, host: '127.0.0.1', port, username, database: 'test' }).initialize();
  await administrator.query(`${create} ${name}`);
  const options = { ...connectionTo(engine, name), entities: [TokenSessionEntity, ...Object.values(entities)], synchronize: true };
  const dataSource = await new DataSource(options).initialize();
  return {
    engine,
    name,
    dataSource,
    version: await versionOf(dataSource),
    drop: async () => {
      await dataSource.destroy();
      await administrator.query(`${drop} ${name}${cascade}`);
      await administrator.destroy();
    },
  };
}

async function versionOf(dataSource: DataSource): Promise<string> {
  const [{ version }] = await dataSource.query<[{ version: string }]>('SELECT version() AS version');
  return version.startsWith('PostgreSQL') ? version.split(' ').slice(0, 2).join(' ') : `MariaDB ${version.split('-')[0] ?? ''}`;
}

/** Runs a benchmark in a schema of its own. */
export async function inDatabase<T>(
  engine: Engine,
  run: (database: BenchDatabase) => Promise<T>,
  entities: MixedList<string | (new () => object)> = [],
): Promise<T> {
  const database = await openDatabase(engine, entities);
  try {
    return await run(database);
  } finally {
    await database.drop();
  }
}
