import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { NewSession, RotationConditions, SessionSnapshot } from 'nestjs-token';
import type { RepositorySettings } from 'nestjs-token/typeorm';
import { TokenSessionEntity, TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import { randomUUID } from 'node:crypto';
import type { Logger as TypeOrmLogger } from 'typeorm';
import { AbstractLogger, DataSource, QueryFailedError } from 'typeorm';
import type { DatabaseSetup, Engine, TestDatabase } from '../support/databases.js';
import { MYSQL_PREPARED, POSTGRES_PREPARED } from '../support/lib.js';
import { describeOn, ENGINES, openDatabase } from '../support/databases.js';

const FREE: RotationConditions = { settleMs: null, idleMs: 1e9, limit: null };
/** One connection, so that every statement meets what the one before has prepared. */
const ONE_CONNECTION = { postgres: { max: 1 }, mariadb: { connectionLimit: 1 }, sqlite: {} } as const;

// The embedded PostgreSQL has one session for all connections, so names of prepared statements would meet each other.
for (const engine of ENGINES.filter((one) => one !== 'pglite')) {
  const describeHere = await describeOn(engine);

  describeHere(`statements on ${engine}`, () => {
    let database: TestDatabase;
    const warnings: string[] = [];
    beforeEach(() => {
      warnings.length = 0;
      jest.spyOn(Logger.prototype, 'warn').mockImplementation((message: unknown) => void warnings.push(String(message)));
    });
    afterEach(async () => {
      await database.drop();
      jest.restoreAllMocks();
    });
    const open = async (settings: RepositorySettings = {}, setup: DatabaseSetup = {}): Promise<TypeOrmTokenRepository> => {
      database = await openDatabase(engine, setup);
      return new TypeOrmTokenRepository(database.dataSource, settings);
    };
    const openOne = async (settings: RepositorySettings = {}, over: DatabaseSetup['over'] = {}): Promise<TypeOrmTokenRepository> => {
      const { options, drop } = await openDatabase(engine);
      const extra = { ...(options.extra as object | undefined), ...ONE_CONNECTION[engine] };
      const dataSource = await new DataSource({
        ...options,
        ...over,
        extra,
        migrationsRun: engine === 'sqlite',
      } as typeof options).initialize();
      const close = async () => {
        await dataSource.destroy();
        await drop();
      };
      database = { options, dataSource, drop: close };
      return new TypeOrmTokenRepository(dataSource, settings);
    };

    it('are composed once: another call looks no column up', async () => {
      const repository = await open();
      const exercise = async (): Promise<void> => {
        const { session } = await repository.insert(newSession(), { keep: 3 });
        await rotated(repository, session);
        await repository.find(session);
        await repository.update(session, { label: 'x', usedAgoMs: 1 });
        await repository.bind(session, 'key');
        await repository.list(session, { limit: 1 });
        await repository.revoke(session, 'admin', { subject: 'alice' });
      };
      await exercise();
      const lookUp = jest.spyOn(database.dataSource.getMetadata(TokenSessionEntity), 'findColumnWithPropertyName');
      await exercise();
      expect(lookUp).not.toHaveBeenCalled();
    });

    it('work the same without preparation', async () => {
      const repository = await open({ preparedStatements: false });
      const { session } = await repository.insert(newSession(), { keep: 3 });
      expect((await rotated(repository, session)).session.generation).toBe(1);
      expect(await repository.update(session, { label: 'phone' })).toBe(true);
      expect((await repository.find(session))?.session.label).toBe('phone');
    });

    it('are told to the logger of the DataSource with their text and parameters', async () => {
      const logger = new RecordingLogger();
      const repository = await open({}, { over: { logger } });
      const { session } = await repository.insert(newSession());
      logger.queries.length = 0;
      await rotated(repository, session);
      const [told, ...others] = logger.queries.filter(({ sql }) => sql.includes('UPDATE'));
      expect(others).toEqual([]);
      expect(told?.parameters).toContain(session.id);
    });

    it('are told to the logger when they take longer than maxQueryExecutionTime', async () => {
      const logger = new RecordingLogger();
      const repository = await open({}, { over: { logger, maxQueryExecutionTime: 10_000 } });
      const { session } = await repository.insert(newSession());
      let now = Date.now();
      jest.spyOn(Date, 'now').mockImplementation(() => (now += 20_000));
      await rotated(repository, session);
      expect(logger.slow.some((sql) => sql.includes('UPDATE'))).toBe(true);
    });

    it('fail as those of TypeORM do, and the logger is told', async () => {
      const logger = new RecordingLogger();
      const repository = await open({}, { over: { logger } });
      const session = newSession();
      await repository.insert(session);
      const error: unknown = await repository.insert(session).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(QueryFailedError);
      expect(logger.failed.some((sql) => sql.startsWith('INSERT') || sql.includes('FOR INSERT'))).toBe(true);
    });

    it('are told to a subscriber of TypeORM that asks for them', async () => {
      const heard: string[] = [];
      const repository = await open();
      database.dataSource.subscribers.push({ beforeQuery: ({ query }) => void heard.push(query) });
      const { session } = await repository.insert(newSession());
      heard.length = 0;
      await rotated(repository, session);
      expect(heard.some((sql) => sql.includes('UPDATE'))).toBe(true);
    });

    it('go on after the table has been changed', async () => {
      const repository = await openOne();
      const { session } = await repository.insert(newSession());
      let position = await rotated(repository, session);
      for (const change of CHANGES[engine]) {
        await database.dataSource.query(change);
        position = await rotated(repository, position.session);
        position = await rotated(repository, position.session);
        expect((await repository.find(session))?.session).toEqual(position.session);
      }
      expect(warnings).toEqual([]);
      if (engine !== 'postgres') return;
      const names = await database.dataSource.query<{ name: string }[]>('SELECT name FROM pg_prepared_statements');
      expect(names.some(({ name }) => /^nestjs-token:.{20}:2$/.test(name))).toBe(true);
    });

    if (engine === 'sqlite') return;

    it('about one session are prepared once per connection', async () => {
      const repository = await openOne();
      const { session } = await repository.insert(newSession());
      const once = await rotated(repository, session);
      const before = await preparations(engine, database);
      await rotated(repository, once.session);
      expect(before).toBeGreaterThan(0);
      expect(await preparations(engine, database)).toBe(before);
    });

    it('are never prepared with preparedStatements: false', async () => {
      const repository = await openOne({ preparedStatements: false });
      const { session } = await repository.insert(newSession());
      await rotated(repository, session);
      expect(await preparations(engine, database)).toBe(0);
    });

    it('share their names between the repositories of one DataSource, which do not get into each other’s way', async () => {
      const repository = await openOne();
      const other = new TypeOrmTokenRepository(database.dataSource, { patience: { timeoutMs: 2_000, lockTimeoutMs: 777 } });
      const { session } = await repository.insert(newSession());
      const once = await rotated(other, session);
      const twice = await rotated(repository, once.session);
      expect((await rotated(other, twice.session)).session.generation).toBe(3);
      expect(warnings).toEqual([]);
    });

    it('are prepared again on the connections that replace lost ones', async () => {
      const repository = await openOne();
      const { session } = await repository.insert(newSession());
      const once = await rotated(repository, session);
      await loseConnections(engine, database);
      const twice = await eventually(() => rotated(repository, once.session));
      expect(twice.session.generation).toBe(2);
      expect(await preparations(engine, database)).toBeGreaterThan(0);
      expect(warnings).toEqual([]);
    });

    it('go on as plain text, with one warning, when the server has forgotten them', async () => {
      const repository = await openOne();
      const { session } = await repository.insert(newSession());
      const once = await rotated(repository, session);
      await forget(engine, database);
      const twice = await rotated(repository, once.session);
      await rotated(repository, twice.session);
      expect((await repository.find(session))?.session.generation).toBe(3);
      expect(warnings.filter((line) => line.includes('preparedStatements: false'))).toHaveLength(1);
      expect(warnings).toHaveLength(1);
    });
  });
}

describe('TypeOrmTokenRepository', () => {
  it('knows a driver of the application that cannot prepare', () => {
    expect(POSTGRES_PREPARED.supports({ query: () => undefined })).toBe(false);
    expect(MYSQL_PREPARED.supports({ query: () => undefined })).toBe(false);
  });
});

/** What an administrator may do to the table under running nodes. */
const CHANGES: Readonly<Record<Exclude<Engine, 'pglite'>, readonly string[]>> = {
  sqlite: ['ALTER TABLE token_session ADD COLUMN later text', 'CREATE INDEX later ON token_session (label)'],
  postgres: [
    // The type of what the statement gives back changes: "cached plan must not change result type".
    'ALTER TABLE token_session ALTER COLUMN label TYPE varchar(300)',
    'ALTER TABLE token_session ALTER COLUMN label TYPE text',
    'ALTER TABLE token_session ADD COLUMN later text',
    'DROP INDEX "IDX_token_session_live"',
    'ANALYZE token_session',
  ],
  mariadb: [
    'ALTER TABLE token_session MODIFY label varchar(300)',
    'ALTER TABLE token_session ADD COLUMN later text FIRST',
    'DROP INDEX IDX_token_session_live ON token_session',
    'OPTIMIZE TABLE token_session',
  ],
};

class RecordingLogger extends AbstractLogger implements TypeOrmLogger {
  readonly queries: { sql: string; parameters: unknown[] | undefined }[] = [];
  readonly slow: string[] = [];
  readonly failed: string[] = [];
  override logQuery(sql: string, parameters?: unknown[]): void {
    this.queries.push({ sql, parameters });
  }
  override logQuerySlow(_time: number, sql: string): void {
    this.slow.push(sql);
  }
  override logQueryError(_error: string | Error, sql: string): void {
    this.failed.push(sql);
  }
  protected override writeLog(): void {}
}

function newSession(): NewSession {
  return { id: randomUUID(), realm: 'default', subject: 'alice', idleMs: 1e9, absoluteMs: 1e9, claims: { a: 1 }, device: {} };
}

async function rotated(repository: TypeOrmTokenRepository, session: SessionSnapshot['session']): Promise<SessionSnapshot> {
  const snapshot = await repository.rotate(session, session, FREE);
  if (!snapshot) throw new Error('the session has not been rotated');
  return snapshot;
}

/** How many statements of this package the one connection has prepared. */
async function preparations(engine: Engine, { dataSource }: TestDatabase): Promise<number> {
  if (engine === 'postgres') {
    const rows = await dataSource.query<object[]>(`SELECT name FROM pg_prepared_statements WHERE name LIKE 'nestjs-token:%'`);
    return rows.length;
  }
  const [row] = await dataSource.query<[{ Value: string }]>(`SHOW SESSION STATUS LIKE 'Com_stmt_prepare'`);
  return Number(row.Value);
}

/** The server ends the connection, as it does when it restarts. */
async function loseConnections(engine: Engine, { dataSource }: TestDatabase): Promise<void> {
  const sql = engine === 'postgres' ? 'SELECT pg_terminate_backend(pg_backend_pid())' : 'KILL CONNECTION_ID()';
  await dataSource.query(sql).catch(() => undefined);
}

/** What a pooler does between two transactions: the driver believes that its statements are still there. */
async function forget(engine: Engine, { dataSource }: TestDatabase): Promise<void> {
  if (engine === 'postgres') {
    await dataSource.query('DEALLOCATE ALL');
    return;
  }
  // mysql2 closes a statement without telling its cache of it.
  const runner = dataSource.createQueryRunner();
  const connection = (await runner.connect()) as { connection?: MysqlInternals } & MysqlInternals;
  const { _statements: statements } = connection.connection ?? connection;
  for (const statement of statements.values()) statement.close();
  await runner.release();
}

interface MysqlInternals {
  readonly _statements: { values(): Iterable<{ close(): void }> };
}

/** Again where the connection turns out to be lost. */
async function eventually<T>(call: () => Promise<T>): Promise<T> {
  for (let left = 20; ; left -= 1) {
    try {
      return await call();
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}
