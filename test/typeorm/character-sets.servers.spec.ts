import { afterEach, expect, it } from '@jest/globals';
import { TokenOptionsError } from 'nestjs-token';
import { TokenSessionEntity, TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import type { NewSession } from 'nestjs-token';
import { randomUUID } from 'node:crypto';
import type { DataSourceOptions } from 'typeorm';
import { DataSource } from 'typeorm';
import type { TestDatabase } from '../support/databases.js';
import { openDatabase, serverOptions } from '../support/databases.js';
import { describeWith } from '../support/needs.js';

const draft: NewSession = {
  id: randomUUID(),
  realm: 'default',
  subject: 'Жанна 🦊',
  idleMs: 1e9,
  absoluteMs: 1e9,
  claims: { name: 'Ω' },
  device: { label: '電話', userAgent: '🦊' },
};

for (const narrow of ['latin1', 'utf8mb3']) {
  const describeHere = await describeWith('mariadb');

  describeHere(`A MariaDB database whose character set is ${narrow}`, () => {
    let database: TestDatabase | undefined;
    afterEach(async () => {
      await database?.drop();
      database = undefined;
    });
    const open = async (tables: 'migrations' | 'synchronize'): Promise<TestDatabase> =>
      (database = await openDatabase('mariadb', { tables, defaults: `CHARACTER SET ${narrow}` }));

    it('holds any subject, label and claim after the migrations (F-53)', async () => {
      const { dataSource } = await open('migrations');
      const repository = new TypeOrmTokenRepository(dataSource);
      await repository.check();
      const { session } = await repository.insert(draft);
      expect(session).toMatchObject({ subject: draft.subject, claims: draft.claims, ...draft.device });
      expect(await repository.revokeAll(draft, 'admin')).toEqual([draft.id]);
      expect((await dataSource.driver.createSchemaBuilder().log()).upQueries).toEqual([]);
    });

    it('is refused at start-up after synchronize, and the remedy that is named helps (F-53)', async () => {
      const { dataSource } = await open('synchronize');
      const repository = new TypeOrmTokenRepository(dataSource);
      const error: unknown = await repository.check().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(TokenOptionsError);
      const { message } = error as TokenOptionsError;
      expect(message).toContain(`keeps text in ${narrow} (`);
      await dataSource.query(/ALTER TABLE .+/.exec(message)?.[0] ?? '');
      await repository.check();
      expect((await repository.insert(draft)).session.subject).toBe(draft.subject);
    });
  });
}

(await describeWith('postgres'))('A PostgreSQL database whose encoding is LATIN1', () => {
  it('is refused at start-up (F-53)', async () => {
    const name = `token_${randomUUID().slice(0, 8)}`;
    const administrator = await new DataSource(serverOptions('postgres')).initialize();
    await administrator.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'`);
    const options = { ...serverOptions('postgres'), database: name, entities: [TokenSessionEntity], synchronize: true };
    const dataSource = await new DataSource(options as DataSourceOptions).initialize();
    const error: unknown = await new TypeOrmTokenRepository(dataSource).check().catch((thrown: unknown) => thrown);
    await dataSource.destroy();
    await administrator.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await administrator.destroy();
    expect(String(error)).toMatch(/keeps text in LATIN1 \(database\), which lacks characters: create the database with ENCODING 'UTF8'/);
  });
});
