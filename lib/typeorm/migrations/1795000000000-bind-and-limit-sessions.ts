import type { MigrationInterface, QueryRunner, TableColumnOptions } from 'typeorm';
import { TableColumn, TableIndex } from 'typeorm';
import { charsetOf, namesOf } from './table-names.js';

/**
 * Adds to the table of version 0.1 what bound sessions and idle lifetimes of single sessions need. The index on the subject gets `revokedAt`, so
 * that the live sessions of a subject are found among any number of revoked ones. Existing sessions stay as they are: without a key, and with the
 * idle lifetime of the module. Nodes of version 0.1 can work with the table while this version is rolled out.
 */
export class BindAndLimitSessions1795000000000 implements MigrationInterface {
  readonly name = 'BindAndLimitSessions1795000000000';

  async up(runner: QueryRunner): Promise<void> {
    const { table, column } = namesOf(runner);
    await runner.addColumns(
      table,
      COLUMNS.map((definition) => new TableColumn({ ...definition, ...charsetOf(definition, runner), name: column(definition.name) })),
    );
    await replaceIndex(runner, LIVE_COLUMNS);
  }

  async down(runner: QueryRunner): Promise<void> {
    const { table, column } = namesOf(runner);
    await replaceIndex(runner, FORMER_COLUMNS);
    await runner.dropColumns(
      table,
      COLUMNS.map(({ name }) => column(name)),
    );
  }
}

const COLUMNS: TableColumnOptions[] = [
  { name: 'ownIdleMs', type: 'bigint', isNullable: true },
  { name: 'boundKey', type: 'varchar', length: '1024', isNullable: true },
];

const INDEX = 'IDX_token_session_subject';
const FORMER_COLUMNS = ['realm', 'subject'];
const LIVE_COLUMNS = ['realm', 'subject', 'revokedAt'];

/** An index of the same columns that somebody has made by hand under another name stays. */
async function replaceIndex(runner: QueryRunner, columns: readonly string[]): Promise<void> {
  const { table, column } = namesOf(runner);
  const known = (await runner.getTable(table))?.indices.some(({ name }) => name === INDEX);
  if (known) await runner.dropIndex(table, INDEX);
  await runner.createIndex(table, new TableIndex({ name: INDEX, columnNames: columns.map(column) }));
}
