import { afterAll, beforeAll, it } from '@jest/globals';
import { TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import { FakeClock, tokenRepositoryContract } from 'nestjs-token/testing';
import type { TestDatabase } from '../support/databases.js';
import { describeOn, ENGINES, openDatabase } from '../support/databases.js';

/** The cases send many statements at once, and an embedded database works them off one by one on a machine that may be busy. */
const patience = { timeoutMs: 20_000, lockTimeoutMs: 2_000 };

for (const engine of ENGINES) {
  const describeHere = await describeOn(engine);

  describeHere(`TypeOrmTokenRepository on ${engine}`, () => {
    let database: TestDatabase;
    beforeAll(async () => void (database = await openDatabase(engine)));
    afterAll(() => database.drop());

    const byFakeClock = tokenRepositoryContract({
      async create() {
        const clock = new FakeClock();
        const repository = new TypeOrmTokenRepository(database.dataSource, { patience, now: () => clock.now() });
        return { repository, advance: (milliseconds) => void clock.advance(milliseconds) };
      },
    });
    for (const { title, run } of byFakeClock) it(`${title}, by a clock that tests move`, run);

    const byItsOwnClock = tokenRepositoryContract({
      create: async () => ({ repository: new TypeOrmTokenRepository(database.dataSource, { patience }) }),
    });
    for (const { title, run } of byItsOwnClock) it(`${title}, by the database's clock`, run);
  });
}
