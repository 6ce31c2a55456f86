import type { MigrationInterface, QueryRunner, TableColumnOptions } from 'typeorm';
import { Table } from 'typeorm';

/** Creates the table of sessions and its indexes. The names are those of the entity with TypeORM's own naming strategy. */
export class CreateTokenSession1790000000000 implements MigrationInterface {
  readonly name = 'CreateTokenSession1790000000000';

  async up(runner: QueryRunner): Promise<void> {
    await runner.createTable(
      new Table({
        name: 'token_session',
        columns: COLUMNS,
        indices: [
          { name: 'IDX_token_session_subject', columnNames: ['realm', 'subject'] },
          { name: 'IDX_token_session_revoked', columnNames: ['realm', 'revokedAt'] },
          { name: 'IDX_token_session_expiry', columnNames: ['absoluteExpiresAt'] },
        ],
      }),
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.dropTable('token_session');
  }
}

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
