// The repository contract over the TypeORM that this application installs, on every database. A server that does not answer is skipped with
// the reason; under TEST_DATABASES=all it is a failure.
import 'reflect-metadata';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { SESSION_MIGRATIONS, TokenSessionEntity, TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import { FakeClock, type OpenedStore, tokenRepositoryContract } from 'nestjs-token/testing';
import { DataSource, type DataSourceOptions } from 'typeorm';

const SERVERS = { postgres: { port: 5432, username: 'postgres' }, mariadb: { port: 3306, username: 'root' } } as const;
type Server = keyof typeof SERVERS;

/** Opens a database of its own. */
interface Database {
  readonly dataSource: DataSource;
  drop(): Promise<void>;
}

contractOn('better-sqlite3', () => openDatabase({ type: 'better-sqlite3', database: ':memory:' }));
for (const server of ['postgres', 'mariadb'] as const) contractOn(server, () => openOnServer(server));

function contractOn(engine: string, open: () => Promise<Database>): void {
  describe(`TypeOrmTokenRepository on ${engine}`, () => {
    let database: Database | undefined;
    let reason: string | null = null;
    before(async () => {
      reason = isServer(engine) ? await unreachable(engine) : null;
      if (reason !== null && process.env['TEST_DATABASES'] === 'all') throw new Error(reason);
      if (reason === null) database = await open();
    });
    after(() => database?.drop());

    for (const [clock, create] of Object.entries({
      'by a clock that tests move': withFakeClock,
      "by the database's clock": withOwnClock,
    })) {
      for (const { title, run } of tokenRepositoryContract({ create: async () => create(existing(database).dataSource) })) {
        it(`${title}, ${clock}`, (context) => (reason === null ? run() : context.skip(reason)));
      }
    }
  });
}

function withFakeClock(dataSource: DataSource): OpenedStore {
  const clock = new FakeClock();
  const repository = new TypeOrmTokenRepository(dataSource, { now: () => clock.now() });
  return { repository, advance: (milliseconds) => void clock.advance(milliseconds) };
}

function withOwnClock(dataSource: DataSource): OpenedStore {
  return { repository: new TypeOrmTokenRepository(dataSource) };
}

async function openOnServer(server: Server): Promise<Database> {
  const name = `token_${randomBytes(6).toString('hex')}`;
  const options = { type: server, host: '127.0.0.1', ...SERVERS[server], database: 'test' } as const;
  const administrator = await new DataSource(options).initialize();
  await administrator.query(server === 'postgres' ? `CREATE SCHEMA ${name}` : `CREATE DATABASE ${name}`);
  const own = server === 'postgres' ? { schema: name, extra: { options: `-c search_path=${name}` } } : { database: name };
  const { dataSource, drop } = await openDatabase({ ...options, ...own } as DataSourceOptions);
  return {
    dataSource,
    async drop() {
      await drop();
      await administrator.query(server === 'postgres' ? `DROP SCHEMA ${name} CASCADE` : `DROP DATABASE ${name}`);
      await administrator.destroy();
    },
  };
}

async function openDatabase(options: DataSourceOptions): Promise<Database> {
  const tables = { entities: [TokenSessionEntity], migrations: SESSION_MIGRATIONS, migrationsRun: true };
  const dataSource = await new DataSource({ ...options, ...tables } as DataSourceOptions).initialize();
  await new TypeOrmTokenRepository(dataSource).check();
  return { dataSource, drop: () => dataSource.destroy() };
}

function existing(database: Database | undefined): Database {
  if (!database) throw new Error('the database has not been opened');
  return database;
}

function isServer(engine: string): engine is Server {
  return engine in SERVERS;
}

function unreachable(server: Server): Promise<string | null> {
  const { port } = SERVERS[server];
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(null);
    });
    socket.on('error', () => resolve(`${server} does not answer on 127.0.0.1:${port}`));
  });
}
