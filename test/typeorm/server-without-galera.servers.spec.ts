import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import type { TestDatabase } from '../support/databases.js';
import { openDatabase } from '../support/databases.js';
import { describeWith } from '../support/needs.js';
import { CapturedQueries } from '../support/captured-log.js';

for (const type of ['mariadb', 'mysql'] as const) {
  const describeHere = await describeWith('mariadb');

  describeHere(`A MariaDB server without Galera and the driver type '${type}'`, () => {
    const queries = new CapturedQueries();
    let database: TestDatabase;
    beforeAll(async () => {
      database = await openDatabase('mariadb', { over: { type, logging: 'all', logger: queries } as never });
    });
    afterAll(() => database.drop());

    it('is accepted, and its statements do not wait for a cluster (F-50)', async () => {
      const repository = new TypeOrmTokenRepository(database.dataSource);
      await repository.check();
      queries.lines.length = 0;
      await repository.list({ realm: 'default', subject: 'alice' }, { limit: 1 });
      await repository.purge('default', 1);
      expect(queries.lines).toHaveLength(2);
      expect(queries.lines.join()).not.toContain('wsrep');
    });
  });
}
