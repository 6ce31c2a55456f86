import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestDatabase } from './support/databases.js';
import { describeOn, ENGINES, isPostgres, openDatabase } from './support/databases.js';

const OPERATIONS = readFileSync(join(import.meta.dirname, '..', 'docs', 'operations.md'), 'utf8');

for (const engine of ENGINES.filter(isPostgres)) {
  const describeHere = await describeOn(engine);

  describeHere(`docs/operations.md, the statements for PostgreSQL on ${engine}`, () => {
    const statements = [...OPERATIONS.matchAll(/```sql\n([^]*?)```/g)]
      .flatMap(([, block = '']) => block.split(';\n'))
      .map((statement) => statement.replace(/^--.*$/gm, '').trim())
      .filter((statement) => statement !== '');
    let database: TestDatabase;
    beforeAll(async () => void (database = await openDatabase(engine)));
    afterAll(() => database.drop());

    const open = async (): Promise<string> => {
      const id = randomUUID();
      const repository = new TypeOrmTokenRepository(database.dataSource);
      await repository.insert({ id, realm: 'default', subject: 'alice', idleMs: 1e9, absoluteMs: 1e9, claims: {}, device: {} });
      return id;
    };

    it.each(statements)('run: %s', async (statement) => {
      await open();
      await expect(database.dataSource.query(statement)).resolves.toBeDefined();
    });

    it('revoke by SQL what nodes then learn of', async () => {
      const id = await open();
      await database.dataSource.query(statements.find((statement) => statement.startsWith('UPDATE')) ?? '');
      const { sessions } = await new TypeOrmTokenRepository(database.dataSource).revokedSince('default', { withinMs: 10_000 }, 1_000);
      expect(sessions.map((session) => session.id)).toContain(id);
    });
  });
}
