import { afterAll, beforeAll, it } from '@jest/globals';
import { TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import { FakeClock, tokenRepositoryContract } from 'nestjs-token/testing';
import type { TestDatabase } from '../support/databases.js';
import { describeOn, openDatabase } from '../support/databases.js';

for (const engine of ['postgres', 'mariadb'] as const) {
  const describeHere = await describeOn(engine);

  describeHere(`TypeOrmTokenRepository on ${engine}, by a clock that tests move`, () => {
    let database: TestDatabase;
    beforeAll(async () => void (database = await openDatabase(engine)));
    afterAll(() => database.drop());
    const contract = tokenRepositoryContract({
      async create() {
        const clock = new FakeClock();
        const repository = new TypeOrmTokenRepository(database.dataSource, { now: () => clock.now() });
        return { repository, advance: (milliseconds) => void clock.advance(milliseconds) };
      },
    });
    for (const { title, run } of contract) it(title, run);
  });

  describeHere(`TypeOrmTokenRepository on ${engine}, by the database's clock`, () => {
    let database: TestDatabase;
    beforeAll(async () => void (database = await openDatabase(engine)));
    afterAll(() => database.drop());
    const contract = tokenRepositoryContract({ create: async () => ({ repository: new TypeOrmTokenRepository(database.dataSource) }) });
    for (const { title, run } of contract) it(title, run);
  });
}
