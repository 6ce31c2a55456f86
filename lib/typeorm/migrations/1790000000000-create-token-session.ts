import type { MigrationInterface, QueryRunner, TableColumnOptions } from 'typeorm';
import { Table } from 'typeorm';
import { charsetOf, namesOf } from './table-names.js';

/**
 * Creates the table of sessions and its indexes, under the names that the DataSource gives them. Its naming strategy and its `entityPrefix`
 * count if TokenSessionEntity is one of its entities. On MariaDB and MySQL, text is kept in utf8mb4, no matter what the database's default
 * is.
 */
export class CreateTokenSession1790000000000 implements MigrationInterface {
  readonly name = 'CreateTokenSession1790000000000';

  async up(runner: QueryRunner): Promise<void> {
    const { table, column } = namesOf(runner);
    await runner.createTable(
      new Table({
        name: table,
        columns: COLUMNS.map((definition) => ({ ...definition, ...charsetOf(definition, runner), name: column(definition.name) })),
        indices: INDEXES.map(({ name, columnNames }) => ({ name, columnNames: columnNames.map(column) })),
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable(namesOf(runner).table);
  }
}

const INDEXES = [
  { name: 'IDX_token_session_subject', columnNames: ['realm', 'subject'] },
  { name: 'IDX_token_session_revoked', columnNames: ['realm', 'revokedAt', 'id'] },
  { name: 'IDX_token_session_expiry', columnNames: ['absoluteExpiresAt'] },
];

const COLUMNS: TableColumnOptions[] = [
  { name: 'id', type: 'varchar', length: '36', isPrimary: true },
  { name: 'realm', type: 'varchar', length: '64' },
  { name: 'subject', type: 'varchar', length: '255' },
  { name: 'generation', type: 'integer' },
  { name: 'branch', type: 'smallint' },
  { name: 'parentBranch', type: 'smallint' },
  { name: 'rotatedAt', type: 'bigint' },
  { name: 'createdAt', type: 'bigint' },
  { name: 'lastUsedAt', type: 'bigint' },
  { name: 'idleExpiresAt', type: 'bigint' },
  { name: 'absoluteExpiresAt', type: 'bigint' },
  { name: 'revokedAt', type: 'bigint', isNullable: true },
  { name: 'revokeReason', type: 'varchar', length: '16', isNullable: true },
  { name: 'windowCount', type: 'integer' },
  { name: 'windowStartedAt', type: 'bigint' },
  { name: 'authTime', type: 'bigint' },
  { name: 'claims', type: 'text' },
  { name: 'ip', type: 'varchar', length: '255', isNullable: true },
  { name: 'userAgent', type: 'varchar', length: '255', isNullable: true },
  { name: 'label', type: 'varchar', length: '255', isNullable: true },
  { name: 'data', type: 'text', isNullable: true },
];
