import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { TokenSessionEntity, TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { TestDatabase } from '../support/databases.js';
import { describeOn, ENGINES, openDatabase } from '../support/databases.js';

const MANY = 1_203;

for (const engine of ENGINES) {
  const describeHere = await describeOn(engine);

  describeHere(`revokeAll of many sessions on ${engine}`, () => {
    let database: TestDatabase;
    beforeAll(async () => void (database = await openDatabase(engine)));
    afterAll(() => database.drop());

    it('ends and returns each of them, with one statement at a time, each of a few hundred rows at the most (F-13)', async () => {
      const { dataSource } = database;
      const owner = { realm: 'default', subject: 'alice' };
      const ids = await insertMany(dataSource, owner);
      const repository = new TypeOrmTokenRepository(dataSource);
      const watch = watchStatements(dataSource);
      const ended = await repository.revokeAll(owner, 'admin', ids[7]);
      watch.stop();
      expect(new Set(ended)).toEqual(new Set(ids.filter((_, index) => index !== 7)));
      expect(ended).toHaveLength(MANY - 1);
      expect(watch.atOnce()).toBe(1);
      expect(watch.statements()).toBeLessThan(10);
      expect((await repository.list(owner, { limit: MANY })).map(({ id }) => id)).toEqual([ids[7]]);
    });
  });
}

async function insertMany(dataSource: DataSource, owner: { realm: string; subject: string }): Promise<string[]> {
  const ids = Array.from({ length: MANY }, () => randomUUID());
  const now = Date.now();
  const row = {
    ...{ generation: 0, branch: 0, parentBranch: -1, rotatedAt: 0, createdAt: now, lastUsedAt: now, authTime: now },
    ...{ idleExpiresAt: now + 1e9, absoluteExpiresAt: now + 1e9, windowCount: 0, windowStartedAt: 0, claims: {} },
  };
  const rows = ids.map((id) => ({ ...owner, id, ...row }));
  for (let from = 0; from < MANY; from += 100) await dataSource.getRepository(TokenSessionEntity).insert(rows.slice(from, from + 100));
  return ids;
}

/** Counts statements, and how many are under way at once. */
function watchStatements(dataSource: DataSource): { atOnce(): number; statements(): number; stop(): void } {
  const original = dataSource.createQueryRunner.bind(dataSource);
  let [underWay, most, count] = [0, 0, 0];
  dataSource.createQueryRunner = (mode) => {
    const runner = original(mode);
    const release = runner.release.bind(runner);
    [underWay, count] = [underWay + 1, count + 1];
    most = Math.max(most, underWay);
    runner.release = async () => {
      underWay -= 1;
      await release();
    };
    return runner;
  };
  return { atOnce: () => most, statements: () => count, stop: () => (dataSource.createQueryRunner = original) };
}
