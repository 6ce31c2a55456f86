import { DataSource } from 'typeorm';
import { TokenSessionEntity } from 'nestjs-token/typeorm';

/** A SQLite database in memory with the table of sessions. The caller destroys it. */
export async function openSqlite(): Promise<DataSource> {
  const dataSource = new DataSource({ type: 'better-sqlite3', database: ':memory:', entities: [TokenSessionEntity], synchronize: true });
  return dataSource.initialize();
}
