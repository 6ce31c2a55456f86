import type { MigrationInterface, QueryRunner, Table, TableColumnOptions } from 'typeorm';
import { TableColumn, TableIndex } from 'typeorm';
import { charsetOf, namesOf } from './table-names.js';

/**
 * Adds to the table of version 0.1 what bound sessions, idle lifetimes of single sessions and the revocation of access tokens alone
 * need. An index that ends in `revokedAt`
 * replaces the one on the subject, so that the live sessions of a subject are found among any number of ended ones. Existing sessions stay
 * as they are: without a key, and with the idle lifetime of the module. Nodes of version 0.1 can work with the table while this version is
 * rolled out.
 *
 * It makes only what is missing. MariaDB and MySQL have no transactions for this, so a run may have ended halfway, and several processes
 * may migrate at once.
 */
export class BindAndLimitSessions1795000000000 implements MigrationInterface {
  readonly name = 'BindAndLimitSessions1795000000000';

  async up(runner: QueryRunner): Promise<void> {
    const { column } = namesOf(runner);
    const table = await tableOf(runner);
    const missing = COLUMNS.map((definition) => ({ ...definition, ...charsetOf(definition, runner), name: column(definition.name) }))
      .filter(({ name }) => !table.findColumnByName(name))
      .map((definition) => new TableColumn(definition));
    if (missing.length > 0) await runner.addColumns(table, missing);
    await replaceIndex(runner, SUBJECT_INDEX, LIVE_INDEX);
    await replaceIndex(runner, null, ACCESS_INDEX);
  }

  async down(runner: QueryRunner): Promise<void> {
    const { column } = namesOf(runner);
    await replaceIndex(runner, LIVE_INDEX, SUBJECT_INDEX);
    await replaceIndex(runner, ACCESS_INDEX, null);
    const table = await tableOf(runner);
    const present = COLUMNS.map(({ name }) => column(name)).filter((name) => table.findColumnByName(name));
    if (present.length > 0) await runner.dropColumns(table, present);
  }
}

const COLUMNS: TableColumnOptions[] = [
  { name: 'ownIdleMs', type: 'bigint', isNullable: true },
  { name: 'boundKey', type: 'varchar', length: '1024', isNullable: true },
  { name: 'accessRevokedAt', type: 'bigint', isNullable: true },
];

interface NamedIndex {
  readonly name: string;
  readonly columnNames: readonly string[];
}

const SUBJECT_INDEX: NamedIndex = { name: 'IDX_token_session_subject', columnNames: ['realm', 'subject'] };
const LIVE_INDEX: NamedIndex = { name: 'IDX_token_session_live', columnNames: ['realm', 'subject', 'revokedAt'] };
/** It has no id, so that the many entries without an instant are stored as one (PostgreSQL). */
const ACCESS_INDEX: NamedIndex = { name: 'IDX_token_session_access', columnNames: ['realm', 'accessRevokedAt'] };

/** Replaces, makes or drops an index. The new one exists before the old one is dropped, so that running nodes always have one. */
async function replaceIndex(runner: QueryRunner, old: NamedIndex | null, wanted: NamedIndex | null): Promise<void> {
  const { column } = namesOf(runner);
  const table = await tableOf(runner);
  const has = (index: string) => table.indices.some((known) => known.name === index);
  if (wanted && !has(wanted.name)) {
    await runner.createIndex(table, new TableIndex({ name: wanted.name, columnNames: wanted.columnNames.map(column) }));
  }
  if (old && has(old.name)) await runner.dropIndex(table, old.name);
}

async function tableOf(runner: QueryRunner): Promise<Table> {
  const { table: name } = namesOf(runner);
  const table = await runner.getTable(name);
  if (!table) throw new Error(`table ${name} is missing: run CreateTokenSession1790000000000 first`);
  return table;
}
