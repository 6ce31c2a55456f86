import type { DataSource, QueryRunner, TableColumnOptions } from 'typeorm';
import { TokenSessionEntity } from '../token-session.entity.js';

/** The names of the table and its columns, as the DataSource gives them. */
export interface TableNames {
  readonly table: string;
  readonly column: (property: string) => string;
}

/** Returns the names. They are the default ones if the DataSource does not know TokenSessionEntity. */
export function namesOf(runner: QueryRunner): TableNames {
  const dataSource = dataSourceOf(runner);
  if (!dataSource.hasMetadata(TokenSessionEntity)) return { table: 'token_session', column: (property) => property };
  const metadata = dataSource.getMetadata(TokenSessionEntity);
  return { table: metadata.tablePath, column: (property) => metadata.findColumnWithPropertyName(property)?.databaseName ?? property };
}

/** Keeps text in utf8mb4 on MariaDB and MySQL, no matter what the database's default is. */
export function charsetOf({ type }: TableColumnOptions, runner: QueryRunner): Partial<TableColumnOptions> {
  const isText = type === 'varchar' || type === 'text';
  return isText && ['mariadb', 'mysql'].includes(dataSourceOf(runner).options.type) ? { charset: 'utf8mb4' } : {};
}

/** Returns the DataSource, which TypeORM 0.3 calls `connection`. */
function dataSourceOf(runner: QueryRunner): DataSource {
  const { dataSource, connection } = runner as { dataSource?: DataSource; connection: DataSource };
  return dataSource ?? connection;
}
