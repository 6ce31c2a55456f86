import { afterEach, describe, expect, it } from '@jest/globals';
import { TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import type { NewSession, TokenRepository } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { randomUUID } from 'node:crypto';
import type { TestDatabase } from '../support/databases.js';
import { describeOn, ENGINES, openDatabase } from '../support/databases.js';

const OWNER = { realm: 'default', subject: 'alice' } as const;
const START = 1_800_000_000_000;

for (const engine of ENGINES) {
  const describeHere = await describeOn(engine);

  describeHere(`the limit of sessions on ${engine}`, () => {
    let database: TestDatabase;
    afterEach(() => database.drop());

    it('lets a user in whose other sessions lie in the future, because the clock of the database has been set back', async () => {
      let now = START;
      database = await openDatabase(engine);
      await letsIn(new TypeOrmTokenRepository(database.dataSource, { now: () => now }), (instant) => (now = instant));
    });

    it('holds for simultaneous sign-ins on several nodes with pools of their own', async () => {
      database = await openDatabase(engine);
      // The embedded PostgreSQL does one statement after the other.
      const patience = { timeoutMs: 20_000, lockTimeoutMs: 10_000 };
      const nodes = [0, 1].map(() => new TypeOrmTokenRepository(database.dataSource, { patience }));
      for (let round = 0; round < 5; round += 1) {
        await Promise.all(Array.from({ length: 64 }, async (_, index) => nodes[index % 2]?.insert(newSession(), { keep: 5 })));
        expect(await nodes[0]?.list(OWNER, { limit: 100 })).toHaveLength(5);
      }
    });

    it('asks with one more statement, and a sign-in without a limit with none', async () => {
      database = await openDatabase(engine);
      const repository = new TypeOrmTokenRepository(database.dataSource);
      await repository.insert(newSession(), { keep: 9 });
      const queries: string[] = [];
      const { logger } = database.dataSource;
      database.dataSource.logger = Object.assign(Object.create(logger) as typeof logger, {
        logQuery: (sql: string) => void queries.push(sql),
      });
      await repository.insert(newSession());
      const without = queries.splice(0).length;
      await repository.insert(newSession(), { keep: 9 });
      expect([without, queries.length]).toEqual(engine === 'mariadb' ? [2, 3] : [1, 2]);
    });
  });
}

describe('the limit of sessions in memory', () => {
  it('lets a user in whose other sessions lie in the future, because the clock has been set back', async () => {
    const clock = new FakeClock(START);
    await letsIn(new InMemoryTokenRepository(clock), (instant) => void clock.set(instant));
  });
});

async function letsIn(repository: TokenRepository, setClock: (instant: number) => void): Promise<void> {
  const hour = 3_600_000;
  setClock(START + hour);
  const { session: ahead } = await repository.insert(newSession(), { keep: 2 });
  setClock(START);
  const { session: first } = await repository.insert(newSession(), { keep: 2 });
  const { session: second, ended } = await repository.insert(newSession(), { keep: 2 });
  expect(ended).toEqual([ahead.id]);
  expect((await repository.list(OWNER, { limit: 9 })).map(({ id }) => id).sort()).toEqual([first.id, second.id].sort());
}

function newSession(): NewSession {
  return { ...OWNER, id: randomUUID(), idleMs: 1e9, absoluteMs: 1e9, claims: {}, device: {} };
}
