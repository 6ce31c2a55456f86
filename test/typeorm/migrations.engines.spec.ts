import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TokenOptionsError } from 'nestjs-token';
import { SESSION_MIGRATIONS, TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import type { NewSession, TokenSession } from 'nestjs-token';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Table } from 'typeorm';
import { DataSource, DefaultNamingStrategy } from 'typeorm';
import type { DatabaseSetup, TestDatabase } from '../support/databases.js';
import { describeOn, ENGINES, openDatabase } from '../support/databases.js';

const TABLE = 'token_session';
const INDEXES = ['IDX_token_session_access', 'IDX_token_session_expiry', 'IDX_token_session_live', 'IDX_token_session_revoked'];

class SnakeCase extends DefaultNamingStrategy {
  override columnName(property: string): string {
    return property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  }
}

for (const engine of ENGINES) {
  const describeHere = await describeOn(engine);

  describeHere(`the table of sessions on ${engine}`, () => {
    let database: TestDatabase | undefined;
    afterEach(async () => {
      await database?.drop();
      database = undefined;
    });
    const open = async (setup: DatabaseSetup = {}): Promise<TestDatabase> => (database = await openDatabase(engine, setup));
    const pending = async ({ dataSource }: TestDatabase): Promise<string[]> =>
      (await dataSource.driver.createSchemaBuilder().log()).upQueries.map(({ query }) => query);

    describe('made by SESSION_MIGRATIONS', () => {
      it('is what the entity asks for: synchronize finds nothing to change', async () => {
        expect(await pending(await open({ tables: 'migrations' }))).toEqual([]);
      });

      it('is, column by column and index by index, what synchronize makes', async () => {
        const migrated = await shapeOf((await open({ tables: 'migrations' })).dataSource);
        await database?.drop();
        expect(migrated).toEqual(await shapeOf((await open({ tables: 'synchronize' })).dataSource));
        expect(migrated.indexes.map(({ name }) => name)).toEqual(INDEXES);
      });

      it.each([
        ['a naming strategy', { namingStrategy: new SnakeCase() }, TABLE, 'last_used_at'],
        ['an entityPrefix', { entityPrefix: 'app_' }, 'app_token_session', 'lastUsedAt'],
        ['both', { namingStrategy: new SnakeCase(), entityPrefix: 'app_' }, 'app_token_session', 'last_used_at'],
      ])('has the names of a DataSource with %s, up and down (F-31)', async (_, over, table, column) => {
        const opened = await open({ over });
        const { dataSource } = opened;
        expect((await tableOf(dataSource, table))?.findColumnByName(column)).toBeDefined();
        expect(await pending(opened)).toEqual([]);
        const repository = new TypeOrmTokenRepository(dataSource);
        await repository.check();
        const { session } = await repository.insert(newSession({}));
        expect((await repository.rotate(session, session, { settleMs: null, idleMs: 1e6, limit: null }))?.session.generation).toBe(1);
        expect(await repository.revokeAll(session, 'admin')).toEqual([session.id]);
        for (let left = SESSION_MIGRATIONS.length; left > 0; left--) await dataSource.undoLastMigration();
        expect(await tableOf(dataSource, table)).toBeUndefined();
      });

      it('has the default names where the DataSource does not know the entity (F-31)', async () => {
        const { dataSource } = await open({ over: { entities: [], entityPrefix: 'app_' } });
        expect((await tableOf(dataSource))?.findColumnByName('lastUsedAt')).toBeDefined();
        for (let left = SESSION_MIGRATIONS.length; left > 0; left--) await dataSource.undoLastMigration();
        expect(await tableOf(dataSource)).toBeUndefined();
      });

      it('goes down and up again, and is the same', async () => {
        const { dataSource } = await open({ tables: 'none' });
        expect(await tableOf(dataSource)).toBeUndefined();
        expect(await dataSource.runMigrations()).toHaveLength(SESSION_MIGRATIONS.length);
        const first = await shapeOf(dataSource);
        for (let left = SESSION_MIGRATIONS.length; left > 0; left--) await dataSource.undoLastMigration();
        expect(await tableOf(dataSource)).toBeUndefined();
        await dataSource.runMigrations();
        expect(await shapeOf(dataSource)).toEqual(first);
        expect(await dataSource.runMigrations()).toEqual([]);
      });
    });

    describe('of version 0.1, with sessions in it', () => {
      const [First, ...later] = SESSION_MIGRATIONS;
      /** The columns of version 0.1. */
      const OLD = [
        ...['id', 'realm', 'subject', 'generation', 'branch', 'parentBranch', 'rotatedAt', 'createdAt', 'lastUsedAt', 'idleExpiresAt'],
        ...['absoluteExpiresAt', 'revokedAt', 'revokeReason', 'windowCount', 'windowStartedAt', 'authTime', 'claims', 'ip', 'userAgent'],
        ...['label', 'data'],
      ];
      const quoted = (source: DataSource, names: readonly string[]) => names.map((name) => source.driver.escape(name)).join(', ');
      const rowsOf = async (source: DataSource) =>
        source.query<Record<string, unknown>[]>(`SELECT ${quoted(source, OLD)} FROM ${TABLE} ORDER BY id`);
      /** Sessions as version 0.1 wrote them: a live one, a revoked one, and one with every text. */
      const fill = async (source: DataSource) => {
        for (const [id, revokedAt, reason, label, data] of [
          ['live', null, null, null, null],
          ['revoked', 3, 'user', null, null],
          ['full', null, null, 'Firefox 🦊', '{"plan":"free"}'],
        ]) {
          const later = 4e12;
          const values = [
            id,
            'default',
            'alice',
            7,
            2,
            1,
            1,
            2,
            2,
            later,
            later,
            revokedAt,
            reason,
            3,
            1,
            2,
            '{"a":[1]}',
            '::1',
            null,
            label,
            data,
          ];
          const marks = values.map((_, index) => source.driver.createParameter('p', index)).join(', ');
          await source.query(`INSERT INTO ${TABLE} (${quoted(source, OLD)}) VALUES (${marks})`, values);
        }
      };

      it('goes up to this version and down again, and no session changes', async () => {
        const directory = mkdtempSync(join(tmpdir(), 'nestjs-token-upgrade-'));
        const { options, dataSource: old } = await open({
          file: join(directory, 's.sqlite'),
          over: { migrations: [First!], migrationsRun: true },
        });
        await fill(old);
        const [before, shape] = [await rowsOf(old), await shapeOf(old)];
        const dataSource = await new DataSource({ ...options, migrations: SESSION_MIGRATIONS, migrationsRun: false }).initialize();
        expect(await dataSource.runMigrations()).toHaveLength(later.length);
        expect(await rowsOf(dataSource)).toEqual(before);
        expect((await dataSource.driver.createSchemaBuilder().log()).upQueries).toEqual([]);
        for (let left = later.length; left > 0; left--) await dataSource.undoLastMigration();
        expect(await rowsOf(dataSource)).toEqual(before);
        expect(await shapeOf(dataSource)).toEqual(shape);
        await dataSource.destroy();
        await database?.drop();
        database = undefined;
        rmSync(directory, { recursive: true });
      });

      it('goes up where a run before has ended halfway', async () => {
        const directory = mkdtempSync(join(tmpdir(), 'nestjs-token-upgrade-'));
        const setup = { file: join(directory, 's.sqlite'), over: { migrations: [First!], migrationsRun: true } };
        const { options, dataSource: old } = await open(setup);
        await old.query(`ALTER TABLE ${TABLE} ADD ${old.driver.escape('ownIdleMs')} bigint`);
        const dataSource = await new DataSource({ ...options, migrations: SESSION_MIGRATIONS, migrationsRun: true }).initialize();
        expect((await dataSource.driver.createSchemaBuilder().log()).upQueries).toEqual([]);
        await dataSource.destroy();
        await database?.drop();
        database = undefined;
        rmSync(directory, { recursive: true });
      });

      it('gives sessions that rotate by the idle lifetime of the module, can be bound, and keep their reason', async () => {
        const directory = mkdtempSync(join(tmpdir(), 'nestjs-token-upgrade-'));
        const { options, dataSource: old } = await open({
          file: join(directory, 's.sqlite'),
          over: { migrations: [First!], migrationsRun: true },
        });
        await fill(old);
        const dataSource = await new DataSource({ ...options, migrations: SESSION_MIGRATIONS, migrationsRun: true }).initialize();
        const repository = new TypeOrmTokenRepository(dataSource);
        await repository.check();
        const key = { realm: 'default', id: 'live' };
        const rotated = await repository.rotate(
          key,
          { generation: 7, branch: 2 },
          { settleMs: 1, idleMs: 5_000, limit: null, provenKey: null },
        );
        expect(rotated?.session.idleExpiresAt).toBe(rotated!.at + 5_000);
        expect(await repository.bind(key, 'thumbprint')).toBe(true);
        expect(await repository.update(key, { accessRevokedAt: 'now' })).toBe(true);
        expect((await repository.find({ realm: 'default', id: 'revoked' }))?.session).toMatchObject({
          revokeReason: 'user',
          boundKey: null,
        });
        expect((await repository.find({ realm: 'default', id: 'full' }))?.session).toMatchObject({
          label: 'Firefox 🦊',
          data: { plan: 'free' },
        });
        await dataSource.destroy();
        await database?.drop();
        database = undefined;
        rmSync(directory, { recursive: true });
      });

      it('still serves nodes of version 0.1 while this version is rolled out', async () => {
        const { dataSource } = await open();
        await fill(dataSource);
        const repository = new TypeOrmTokenRepository(dataSource);
        expect((await repository.find({ realm: 'default', id: 'live' }))?.session).toMatchObject({ ownIdleMs: null, boundKey: null });
        expect((await repository.list({ realm: 'default', subject: 'alice' }, { limit: 10 })).map(({ id }) => id)).toEqual([
          'full',
          'live',
        ]);
      });
    });

    describe('is checked at start-up, which', () => {
      const refusal = async ({ dataSource }: TestDatabase): Promise<TokenOptionsError> => {
        const error: unknown = await new TypeOrmTokenRepository(dataSource).check().catch((thrown: unknown) => thrown);
        if (error instanceof TokenOptionsError) return error;
        throw new Error('the check has found nothing wrong', { cause: error });
      };

      it.each(['migrations', 'synchronize'] as const)('accepts what %s makes', async (tables) => {
        await expect(new TypeOrmTokenRepository((await open({ tables })).dataSource).check()).resolves.toBeUndefined();
      });

      it('accepts an index that holds more columns', async () => {
        const opened = await open();
        const runner = opened.dataSource.createQueryRunner();
        await runner.dropIndex(TABLE, 'IDX_token_session_live');
        await runner.query(
          `CREATE INDEX mine ON ${TABLE} (${['realm', 'subject', 'revokedAt', 'lastUsedAt'].map((name) => opened.dataSource.driver.escape(name)).join(', ')})`,
        );
        await runner.release();
        await expect(new TypeOrmTokenRepository(opened.dataSource).check()).resolves.toBeUndefined();
      });

      it('names a missing table, and the remedy', async () => {
        const error = await refusal(await open({ tables: 'none' }));
        expect(error.option).toBe('dataSource');
        expect(error.message).toMatch(/table (\w+\.)?token_session is missing: run the migrations \(SESSION_MIGRATIONS/);
      });

      it.each(['windowStartedAt', 'label', 'ownIdleMs', 'boundKey'])('names a missing column %s', async (column) => {
        const opened = await open();
        const runner = opened.dataSource.createQueryRunner();
        await runner.dropColumn(TABLE, column);
        await runner.release();
        expect((await refusal(opened)).message).toContain(`lacks column ${column}: run the migrations`);
      });

      it.each([
        ['IDX_token_session_live', 'realm, subject, revokedAt'],
        ['IDX_token_session_revoked', 'realm, revokedAt, id'],
        ['IDX_token_session_expiry', 'absoluteExpiresAt'],
        ['IDX_token_session_access', 'realm, accessRevokedAt'],
      ])('names what %s is missing on', async (index, columns) => {
        const opened = await open();
        const runner = opened.dataSource.createQueryRunner();
        await runner.dropIndex(TABLE, index);
        await runner.release();
        expect((await refusal(opened)).message).toContain(`lacks index on (${columns}): run the migrations`);
      });

      it.each([
        ['IDX_token_session_live', ['subject', 'realm', 'revokedAt'], 'realm, subject, revokedAt'],
        ['IDX_token_session_live', ['realm', 'subject'], 'realm, subject, revokedAt'],
        ['IDX_token_session_revoked', ['revokedAt', 'realm'], 'realm, revokedAt, id'],
        ['IDX_token_session_expiry', ['id', 'absoluteExpiresAt'], 'absoluteExpiresAt'],
      ])('refuses in the place of %s an index on (%p) (F-58)', async (index, columns, wanted) => {
        const opened = await open();
        await replaceIndex(opened.dataSource, index, columns);
        expect((await refusal(opened)).message).toContain(`lacks index on (${wanted}): run the migrations`);
      });

      it.each([
        ['IDX_token_session_live', ['realm', 'subject', 'revokedAt', 'id']],
        ['IDX_token_session_revoked', ['realm', 'revokedAt', 'id']],
        ['IDX_token_session_expiry', ['absoluteExpiresAt', 'realm']],
      ])('accepts in the place of %s an index on (%p) (F-58)', async (index, columns) => {
        const opened = await open();
        await replaceIndex(opened.dataSource, index, columns);
        await expect(new TypeOrmTokenRepository(opened.dataSource).check()).resolves.toBeUndefined();
      });

      if (engine !== 'mariadb') {
        it('refuses a partial index and one on an expression (F-58)', async () => {
          const opened = await open();
          await replaceIndex(opened.dataSource, 'IDX_token_session_live', ['realm', 'subject', 'revokedAt'], "WHERE realm = 'a'");
          expect((await refusal(opened)).message).toContain('lacks index on (realm, subject, revokedAt)');
          await opened.dataSource.query(
            `CREATE INDEX expressive ON ${TABLE} (lower(realm), subject, ${opened.dataSource.driver.escape('revokedAt')})`,
          );
          expect((await refusal(opened)).message).toContain('lacks index on (realm, subject, revokedAt)');
        });
      }

      it('names a missing primary key (F-58, ST-03)', async () => {
        const opened = await open();
        const runner = opened.dataSource.createQueryRunner();
        const table = await runner.getTable(TABLE);
        await runner.dropPrimaryKey(table!);
        await runner.release();
        expect((await refusal(opened)).message).toContain('lacks primary key (id): run the migrations');
      });

      it.each([
        ['a naming strategy', { namingStrategy: new SnakeCase() }, 'lacks column parent_branch'],
        ['an entityPrefix', { entityPrefix: 'app_' }, 'app_token_session is missing'],
      ])('says that migrations have run without %s (F-31)', async (_, over, problem) => {
        const directory = mkdtempSync(join(tmpdir(), 'nestjs-token-names-'));
        const opened = await open({ file: join(directory, 'sessions.sqlite') });
        const dataSource = await new DataSource({ ...opened.options, migrationsRun: false, ...over }).initialize();
        const { message } = await refusal({ ...opened, dataSource });
        await dataSource.destroy();
        rmSync(directory, { recursive: true });
        expect(message).toContain(problem);
        expect(message).toContain('the migrations have run with other names');
      });

      it('names a DataSource that does not know the entity', async () => {
        expect((await refusal(await open({ tables: 'none', over: { entities: [] } }))).message).toContain(
          'TokenSessionEntity is not registered',
        );
      });
    });

    describe('tells subjects apart to the letter', () => {
      // Cases, trailing spaces, accents, and letters that a collation folds into others.
      const SUBJECTS = ['alice', 'ALICE', 'alice ', ' alice', 'alicé', 'straße', 'strasse', 'ａｌｉｃｅ', 'alice\u200b', '🦊', '🐱'];
      let repository: TypeOrmTokenRepository;
      beforeEach(async () => {
        repository = new TypeOrmTokenRepository((await open()).dataSource);
        for (const subject of SUBJECTS) await repository.insert(newSession({ subject }));
      });

      it('in the list', async () => {
        for (const subject of SUBJECTS) {
          expect((await repository.list({ realm: 'default', subject }, { limit: 10 })).map((session) => session.subject)).toEqual([
            subject,
          ]);
        }
        expect(await repository.list({ realm: 'DEFAULT', subject: 'alice' }, { limit: 10 })).toEqual([]);
      });

      it('in revokeAll', async () => {
        for (const [index, subject] of SUBJECTS.entries()) {
          expect(await repository.revokeAll({ realm: 'default', subject }, 'admin')).toHaveLength(1);
          const left = await Promise.all(
            SUBJECTS.map(async (other) => (await repository.list({ realm: 'default', subject: other }, { limit: 10 })).length),
          );
          expect(left).toEqual(SUBJECTS.map((_, other) => (other > index ? 1 : 0)));
        }
      });

      it('and realms as well', async () => {
        expect(await repository.revokeAll({ realm: 'default ', subject: 'alice' }, 'admin')).toEqual([]);
        expect(await repository.revokeAll({ realm: 'Default', subject: 'alice' }, 'admin')).toEqual([]);
        const [session] = await repository.list({ realm: 'default', subject: 'alice' }, { limit: 10 });
        expect(await repository.find({ realm: 'DEFAULT', id: session!.id })).toBeNull();
        expect(await repository.revoke({ realm: 'default ', id: session!.id }, 'admin')).toBe(false);
      });
    });

    it('serves nodes of this version when a later one has added columns and indexes (R-32)', async () => {
      const { dataSource } = await open();
      const quoted = (name: string) => dataSource.driver.escape(name);
      await dataSource.query(`ALTER TABLE ${TABLE} ADD ${quoted('laterText')} varchar(64) NULL`);
      await dataSource.query(`ALTER TABLE ${TABLE} ADD ${quoted('laterNumber')} bigint NOT NULL DEFAULT 7`);
      await dataSource.query(`CREATE INDEX later ON ${TABLE} (${quoted('laterNumber')})`);
      const repository = new TypeOrmTokenRepository(dataSource);
      await repository.check();
      const { session } = await repository.insert(newSession({}));
      const rotated = await repository.rotate(session, session, { settleMs: null, idleMs: 1e6, limit: null });
      expect(rotated?.session).toEqual({ ...session, generation: 1, parentBranch: 0, ...timesOf(rotated!.session) });
      expect(await repository.revoke(session, 'admin')).toBe(true);
      expect((await repository.revokedSince('default', { withinMs: 60_000 }, 10)).sessions.map(({ id }) => id)).toEqual([session.id]);
    });

    it('holds claims, labels and subjects of the greatest length and of any plane', async () => {
      const repository = new TypeOrmTokenRepository((await open()).dataSource);
      const long = '🦊'.repeat(127);
      const draft = newSession({
        subject: long,
        claims: { text: '🦊'.repeat(1_000), ключ: [1, null, { a: '\\"\'`' }] },
        device: { label: long, ip: '::1', userAgent: long },
      });
      const { session } = await repository.insert(draft);
      expect(session).toMatchObject({ subject: long, claims: draft.claims, label: long, ip: '::1', userAgent: long, data: null });
      expect((await repository.find(session))?.session).toEqual(session);
    });
  });
}

describe('the names in the migrations', () => {
  it('are unique, ordered and dated', () => {
    const names = SESSION_MIGRATIONS.map((Migration) => new Migration().name);
    const dates = names.map((name) => Number(/\d{13}$/.exec(name)?.[0]));
    expect(dates).toEqual([...new Set(dates)].sort((a, b) => a - b));
    expect(new Set(names).size).toBe(names.length);
    for (const [index, name] of names.entries()) expect(name).toBe(SESSION_MIGRATIONS[index]!.name);
  });
});

interface Shape {
  readonly columns: object[];
  readonly indexes: { name: string | undefined; columnNames: string[]; isUnique: boolean }[];
}

function timesOf({ rotatedAt, lastUsedAt, idleExpiresAt }: TokenSession): Partial<TokenSession> {
  return { rotatedAt, lastUsedAt, idleExpiresAt };
}

function newSession(change: Partial<NewSession>): NewSession {
  return { id: randomUUID(), realm: 'default', subject: 'alice', idleMs: 1e9, absoluteMs: 1e9, claims: {}, device: {}, ...change };
}

async function replaceIndex(dataSource: DataSource, index: string, columns: string[], condition = ''): Promise<void> {
  const runner = dataSource.createQueryRunner();
  await runner.dropIndex(TABLE, index);
  await runner.query(`CREATE INDEX mine ON ${TABLE} (${columns.map((name) => dataSource.driver.escape(name)).join(', ')}) ${condition}`);
  await runner.release();
}

async function tableOf(dataSource: DataSource, table = TABLE): Promise<Table | undefined> {
  const runner = dataSource.createQueryRunner();
  try {
    return await runner.getTable(table);
  } finally {
    await runner.release();
  }
}

async function shapeOf(dataSource: DataSource): Promise<Shape> {
  const table = await tableOf(dataSource);
  if (!table) throw new Error('there is no table');
  const byName = (one: { name?: string | undefined }, other: { name?: string | undefined }) =>
    String(one.name).localeCompare(String(other.name));
  return {
    columns: table.columns
      .map(({ name, type, length, isNullable, isPrimary, default: standard, charset, collation }) => ({
        name,
        type,
        length,
        isNullable,
        isPrimary,
        standard,
        charset,
        collation,
      }))
      .sort(byName),
    indexes: table.indices.map(({ name, columnNames, isUnique }) => ({ name, columnNames, isUnique })).sort(byName),
  };
}
