import { afterAll, beforeAll, describe, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import { FakeClock, tokenRepositoryContract } from 'nestjs-token/testing';
import { TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import { openSqlite } from '../support/sqlite.js';

let dataSource: DataSource;
beforeAll(async () => {
  dataSource = await openSqlite();
});
afterAll(() => dataSource.destroy());

describe('TypeOrmTokenRepository on SQLite, by a clock that tests move', () => {
  const contract = tokenRepositoryContract({
    async create() {
      const clock = new FakeClock();
      const repository = new TypeOrmTokenRepository(dataSource, { now: () => clock.now() });
      return { repository, advance: (milliseconds) => void clock.advance(milliseconds) };
    },
  });
  for (const { title, run } of contract) it(title, run);
});

describe("TypeOrmTokenRepository on SQLite, by the database's clock", () => {
  const contract = tokenRepositoryContract({ create: async () => ({ repository: new TypeOrmTokenRepository(dataSource) }) });
  for (const { title, run } of contract) it(title, run);
});
