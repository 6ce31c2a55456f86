import type { Driver, EntityMetadata, QueryRunner, Table } from 'typeorm';
import { TokenOptionsError } from '../errors/token.errors.js';
import type { Catalogue, TableName } from './catalogue.js';
import type { Statement } from './statement-writer.js';

/** The table to check, and the means to do so. */
export interface CheckedTable {
  readonly metadata: EntityMetadata;
  readonly driver: Driver;
  readonly catalogue: Catalogue;
}

/** The names of the table and, by property, of the columns, if no naming strategy and no prefix changes them. */
const DEFAULT_TABLE = 'token_session';
const HOW_TO_FIX = 'run the migrations (SESSION_MIGRATIONS of this package), or set synchronize: true for a first try';
const OTHER_NAMES =
  'the migrations have run with other names; run them with a DataSource that has TokenSessionEntity, the same namingStrategy and the same entityPrefix';

/**
 * Checks that the table of sessions has everything that the statements need, and that it can store any text.
 * @throws {TokenOptionsError} naming what it lacks, and how to fix it.
 */
export async function checkTable(runner: QueryRunner, { metadata, driver, catalogue }: CheckedTable): Promise<void> {
  const table = await runner.getTable(metadata.tablePath);
  if (!table) throw refusal(metadata, `is missing: ${await remedyForMissing(runner, metadata)}`);
  const columns = missingColumns(metadata, table);
  if (columns.length > 0) {
    const remedy = columns.every((column) => table.findColumnByName(column.propertyName)) ? OTHER_NAMES : HOW_TO_FIX;
    throw refusal(metadata, `lacks ${columns.map(({ databaseName }) => `column ${databaseName}`).join(', ')}: ${remedy}`);
  }
  const name = tableNameOf(driver, metadata);
  const indexes = missingIndexes(metadata, await indexesOf(runner, catalogue.indexes(name)));
  if (indexes.length > 0) throw refusal(metadata, `lacks ${indexes.join(', ')}: ${HOW_TO_FIX}`);
  const narrow = catalogue.narrowTexts ? await rowsOf<NarrowText>(runner, catalogue.narrowTexts(name)) : [];
  const [text] = narrow.filter(({ place }) => place === 'database' || metadata.findColumnWithDatabaseName(place));
  if (text) throw refusal(metadata, `keeps text in ${text.charset} (${text.place}), which lacks characters: ${catalogue.widen(name)}`);
}

interface NarrowText {
  readonly place: string;
  readonly charset: string;
}

interface IndexColumn {
  readonly index: string | number;
  readonly isUnique: string | number;
  readonly column: string | null;
}

interface Index {
  readonly isUnique: boolean;
  readonly columns: (string | null)[];
}

function refusal({ tablePath }: EntityMetadata, problem: string): TokenOptionsError {
  return new TokenOptionsError('dataSource', `table ${tablePath} ${problem}`);
}

async function remedyForMissing(runner: QueryRunner, { tableName }: EntityMetadata): Promise<string> {
  return tableName !== DEFAULT_TABLE && (await runner.hasTable(DEFAULT_TABLE))
    ? `there is a table ${DEFAULT_TABLE}, so ${OTHER_NAMES}`
    : HOW_TO_FIX;
}

function missingColumns({ columns }: EntityMetadata, table: Table): EntityMetadata['columns'] {
  return columns.filter(({ databaseName }) => !table.findColumnByName(databaseName));
}

function tableNameOf(driver: Driver, { tablePath, tableName, database }: EntityMetadata): TableName {
  const quoted = tablePath
    .split('.')
    .map((part) => driver.escape(part))
    .join('.');
  return { database: database ?? null, name: tableName, quoted };
}

/** Reads every index with its columns in their order. */
async function indexesOf(runner: QueryRunner, statement: Statement): Promise<Index[]> {
  const indexes = new Map<string | number, Index>();
  for (const { index, isUnique, column } of await rowsOf<IndexColumn>(runner, statement)) {
    const known = indexes.get(index);
    if (known) known.columns.push(column);
    else indexes.set(index, { isUnique: Number(isUnique) === 1, columns: [column] });
  }
  return [...indexes.values()];
}

/** Returns the columns with which no index begins, in this order, and the primary key unless it consists of the id alone. */
function missingIndexes({ indices, primaryColumns }: EntityMetadata, indexes: readonly Index[]): string[] {
  const key = primaryColumns.map(({ databaseName }) => databaseName);
  const hasKey = indexes.some(({ isUnique, columns }) => isUnique && columns.join() === key.join());
  const missing = indices
    .map((index) => index.columns.map(({ databaseName }) => databaseName))
    .filter((wanted) => !indexes.some(({ columns }) => wanted.every((name, position) => columns[position] === name)));
  return [...(hasKey ? [] : [`primary key (${key.join(', ')})`]), ...missing.map((names) => `index on (${names.join(', ')})`)];
}

async function rowsOf<T>(runner: QueryRunner, { sql, parameters }: Statement): Promise<T[]> {
  return (await runner.query(sql, [...parameters])) as T[];
}
