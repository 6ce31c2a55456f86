import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import type { RevokedSession } from 'nestjs-token';
import { TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import { RevocationReader } from '../support/lib.js';
import type { TestDatabase } from '../support/databases.js';
import { describeOn, ENGINES, openDatabase } from '../support/databases.js';

const MANY = 50_000;
const HORIZON = 905_000;
const ROWS_PER_STATEMENT = 500;

for (const engine of ENGINES) {
  const describeHere = await describeOn(engine);

  describeHere(`a mass revocation on ${engine}`, () => {
    let database: TestDatabase;
    let now = 0;
    beforeAll(async () => {
      database = await openDatabase(engine);
      await insertRevoked(database.dataSource, MANY);
      now = Date.now();
    }, 120_000);
    afterEach(() => void jest.restoreAllMocks());
    afterAll(() => database.drop());

    const readerOf = (realm: string, pageSize?: number) => {
      const found: RevokedSession[] = [];
      const repository = new TypeOrmTokenRepository(database.dataSource, { patience: { timeoutMs: 10_000, lockTimeoutMs: 2_000 } });
      const pages = jest.spyOn(repository, 'revokedSince');
      const reader = new RevocationReader(repository, { realm, horizonMs: HORIZON, pageSize }, (sessions) => found.push(...sessions));
      return { reader, found, pages };
    };

    it('is read whole when a node starts, page by page (F-14)', async () => {
      const { reader, found, pages } = readerOf('spread', 1_000);
      await reader.readNew();
      expect([found.length, new Set(found.map(({ id }) => id)).size, pages.mock.calls.length]).toEqual([MANY / 2, MANY / 2, 26]);
    });

    it('is read whole also when all of it is of one millisecond (F-14)', async () => {
      const { reader, found, pages } = readerOf('at-once', 5_000);
      await reader.readNew();
      expect([found.length, new Set(found.map(({ id }) => id)).size, pages.mock.calls.length]).toEqual([MANY / 2, MANY / 2, 6]);
    });

    it('is not read again by the next poll, once it is older than the look-back (F-14)', async () => {
      const { reader, found } = readerOf('spread');
      await reader.readNew();
      found.length = 0;
      await reader.readNew();
      expect(found.every(({ revokedAt }) => revokedAt >= now - 60_000)).toBe(true);
    });

    // The embedded engines have one connection: nothing is committed while another statement runs.
    if (engine === 'sqlite' || engine === 'pglite') return;
    it('is found also by nodes that polled while the statement ran for minutes (F-14)', async () => {
      const { reader, found } = readerOf('late');
      const session = { id: randomUUID(), realm: 'late', subject: 'alice', idleMs: 1e9, absoluteMs: 1e9, claims: {}, device: {} };
      const earlier = { ...session, id: randomUUID() };
      const repository = new TypeOrmTokenRepository(database.dataSource);
      await repository.insert(session);
      await repository.insert(earlier);
      await repository.revoke(earlier, 'admin');
      const runner = database.dataSource.createQueryRunner();
      await runner.startTransaction();
      const column = database.dataSource.driver.escape('revokedAt');
      await runner.query(`UPDATE token_session SET ${column} = ${Date.now() - 300_000} WHERE id = '${session.id}'`);
      await reader.readNew();
      await reader.readNew();
      await runner.commitTransaction();
      await runner.release();
      await reader.readNew();
      const instant = performance.now();
      jest.spyOn(performance, 'now').mockReturnValue(instant + 31_000);
      await reader.sweep();
      expect(found.map(({ id }) => id)).toContain(session.id);
    });
  });
}

/** Half of the rows at 500 an instant over the last minutes, half of them at one. */
async function insertRevoked(dataSource: DataSource, count: number): Promise<void> {
  const repository = new TypeOrmTokenRepository(dataSource);
  const id = randomUUID();
  await repository.insert({ id, realm: 'none', subject: 'alice', idleMs: 1e9, absoluteMs: 1e9, claims: {}, device: {} });
  const [template = {}] = await dataSource.query<Record<string, string | number | null>[]>('SELECT * FROM token_session');
  const names = Object.keys(template).map((name) => dataSource.driver.escape(name));
  const now = Date.now();
  for (let done = 0; done < count; done += ROWS_PER_STATEMENT) {
    const isSpread = done % (2 * ROWS_PER_STATEMENT) === 0;
    const instant = { realm: isSpread ? 'spread' : 'at-once', revokedAt: isSpread ? now - 600_000 + done : now - 300_000 };
    const rows = Array.from({ length: ROWS_PER_STATEMENT }, () => Object.values({ ...template, ...instant, id: randomUUID() }));
    await dataSource.query(
      `INSERT INTO token_session (${names.join(', ')}) VALUES ${rows.map((row) => `(${row.map(literal).join(', ')})`).join(', ')}`,
    );
  }
}

function literal(value: string | number | null): string {
  return value === null ? 'NULL' : `'${value}'`;
}
