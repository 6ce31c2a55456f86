import type { TypeOrmModuleOptions } from '@nestjs/typeorm';
import { SESSION_MIGRATIONS } from 'nestjs-token';
import { DataSource } from 'typeorm';
import type { DataSourceOptions } from 'typeorm';
import { dirname } from 'node:path';
import type { DatabaseLocation } from './database-location.js';
import { makeDirectory } from './directory.js';
import { EnvironmentError } from './environment-error.js';

/** How long a server may take to accept a connection. */
const CONNECT_MS = 5_000;

/** Options for every engine. The tables are made by the migrations; several processes may start side by side on a new database. */
export function databaseOptions(location: DatabaseLocation): TypeOrmModuleOptions {
  return {
    ...engineOptions(location),
    autoLoadEntities: true,
    migrations: SESSION_MIGRATIONS,
    migrationsRun: true,
    retryDelay: 250,
    toRetry: isBeingCreated,
  };
}

/** Opens the database. @throws {EnvironmentError} in one line, without credentials. */
export async function openDatabase(options?: DataSourceOptions): Promise<DataSource> {
  try {
    if (options?.type === 'better-sqlite3' && options.database !== ':memory:') makeDirectory(dirname(options.database));
    // Already the constructor looks for the driver's package.
    return await new DataSource(options as DataSourceOptions).initialize();
  } catch (cause) {
    throw new EnvironmentError('DATABASE_URL', `cannot be used (${reasonOf(cause)})`, { cause });
  }
}

function engineOptions(location: DatabaseLocation): DataSourceOptions {
  switch (location.type) {
    case 'better-sqlite3':
      // SQLite waits for a lock on the main thread: better ask again soon.
      return { type: location.type, database: location.file, enableWAL: true, timeout: 500 };
    case 'postgres':
      return { type: location.type, url: location.url, connectTimeoutMS: CONNECT_MS };
    default:
      return { type: location.type, url: location.url, connectTimeout: CONNECT_MS };
  }
}

/** Two processes have started at once on a new database, and the other one creates the table. Any other error is final. */
function isBeingCreated({ cause }: Error): boolean {
  // PostgreSQL says it in two ways: 42P07, or 23505 on an index of its own catalogue.
  return cause instanceof Error && /already exists|pg_\w+_index|SQLITE_BUSY|database is locked|ER_LOCK_DEADLOCK/.test(reasonOf(cause));
}

/** Code and first line: what connects to several addresses at once has no message. Drivers put no password into either. */
function reasonOf(error: unknown): string {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  return [code, message.split('\n')[0]].filter((part) => part !== '').join(': ');
}
