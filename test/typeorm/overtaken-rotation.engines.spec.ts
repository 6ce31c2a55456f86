import { afterEach, expect, it, jest } from '@jest/globals';
import { TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import { randomUUID } from 'node:crypto';
import type { TestDatabase } from '../support/databases.js';
import { describeOn, ENGINES, openDatabase } from '../support/databases.js';

const FREE = { settleMs: null, idleMs: 1e9, limit: null } as const;

for (const engine of ENGINES) {
  const describeHere = await describeOn(engine);

  describeHere(`a rotation that another one follows at once on ${engine}`, () => {
    let database: TestDatabase;
    afterEach(async () => {
      jest.restoreAllMocks();
      await database.drop();
    });

    it('returns its own position, although the session has moved on before it can be read', async () => {
      database = await openDatabase(engine);
      const repository = new TypeOrmTokenRepository(database.dataSource);
      const key = { realm: 'default', id: randomUUID() };
      await repository.insert({ ...key, subject: 'alice', idleMs: 1e9, absoluteMs: 1e9, claims: {}, device: {} });
      const store = repository['store'];
      const find = store.find.bind(store);
      // An engine that returns what it changes does not read, and nothing can come in between.
      jest.spyOn(store, 'find').mockImplementationOnce(async (read) => {
        await repository.rotate(key, { generation: 1, branch: 0 }, FREE);
        return find(read);
      });
      const rotated = await repository.rotate(key, { generation: 0, branch: 0 }, FREE);
      expect(rotated?.session).toMatchObject({ generation: 1, branch: 0 });
    });
  });
}
