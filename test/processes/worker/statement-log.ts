import type { DataSource, Logger } from 'typeorm';

/** Tells of every statement before it is sent. */
export class StatementLog implements Logger {
  constructor(readonly logQuery: () => void) {}

  logQueryError(): void {}
  logQuerySlow(): void {}
  logSchemaBuild(): void {}
  logMigration(): void {}
  log(): void {}
}

interface MariaDbPool {
  on(event: 'connection', prepare: (connection: { query(sql: string): void }) => void): void;
}

/** Puts settings on the one connection that a MariaDB's pool has, and on every other before its first statement. */
export async function prepareConnections(dataSource: DataSource, settings: readonly string[]): Promise<void> {
  if (settings.length === 0) return;
  for (const sql of settings) await dataSource.query(sql);
  const { pool } = dataSource.driver as unknown as { pool: MariaDbPool };
  pool.on('connection', (connection) => {
    for (const sql of settings) connection.query(sql);
  });
}
