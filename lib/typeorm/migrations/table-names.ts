import type { DataSource, QueryRunner, TableColumnOptions } from 'typeorm';
import { TokenSessionEntity } from '../token-session.entity.js';

/** The names of the table and its columns, as the DataSource gives them. */
export interface TableNames {
  readonly table: string;
  readonly column: (property: string) => string;
}

/** The default names where the DataSource does not know TokenSessionEntity. */
export function namesOf(runner: QueryRunner): TableNames {
  const dataSource = dataSourceOf(runner);
  if (!dataSource.hasMetadata(TokenSessionEntity)) return { table: 'token_session', column: (property) => property };
  const metadata = dataSource.getMetadata(TokenSessionEntity);
  return { table: metadata.tablePath, column: (property) => metadata.findColumnWithPropertyName(property)?.databaseName ?? property };
}

/** On MariaDB and MySQL text is kept in utf8mb4, whatever the database's default. */
export function charsetOf({ type }: TableColumnOptions, runner: QueryRunner): Partial<TableColumnOptions> {
  const isText = type === 'varchar' || type === 'text';
  return isText && ['mariadb', 'mysql'].includes(dataSourceOf(runner).options.type) ? { charset: 'utf8mb4' } : {};
}

/** TypeORM 0.3 calls it `connection`. */
function dataSourceOf(runner: QueryRunner): DataSource {
  const { dataSource, connection } = runner as { dataSource?: DataSource; connection: DataSource };
  return dataSource ?? connection;
}
