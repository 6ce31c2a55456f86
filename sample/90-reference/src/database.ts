import type { TypeOrmModuleOptions } from '@nestjs/typeorm';
import { SESSION_MIGRATIONS } from 'nestjs-token/typeorm';
import { DataSource } from 'typeorm';
import type { DataSourceOptions } from 'typeorm';
import { dirname } from 'node:path';
import type { DatabaseLocation } from './database-location.js';
import { makeDirectory } from './directory.js';
import { EnvironmentError } from './environment-error.js';

/** How long a server may take to accept a connection, in milliseconds. */
const CONNECT_MS = 5_000;

/** Returns TypeORM's options for any engine. Migrations create the tables, and several processes may start at once on a new database. */
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

/** Opens the database. @throws {EnvironmentError} if that fails, with a message of one line and without credentials. */
export async function openDatabase(options?: DataSourceOptions): Promise<DataSource> {
  try {
    if (options?.type === 'better-sqlite3' && options.database !== ':memory:') makeDirectory(dirname(options.database));
    // In the try block, because the constructor already throws if the driver's package is missing.
    return await new DataSource(options as DataSourceOptions).initialize();
  } catch (cause) {
    throw new EnvironmentError('DATABASE_URL', `cannot be used (${reasonOf(cause)})`, { cause });
  }
}

function engineOptions(location: DatabaseLocation): DataSourceOptions {
  switch (location.type) {
    case 'better-sqlite3':
      // SQLite blocks the main thread while it waits for a lock, so it waits only briefly. The package tries again.
      return { type: location.type, database: location.file, enableWAL: true, timeout: 500 };
    case 'postgres':
      return { type: location.type, url: location.url, connectTimeoutMS: CONNECT_MS };
    default:
      return { type: location.type, url: location.url, connectTimeout: CONNECT_MS };
  }
}

/** Returns whether another process is creating the tables at this moment. It is then worth trying again. Any other error is final. */
function isBeingCreated({ cause }: Error): boolean {
  return cause instanceof Error && BEING_CREATED.test(reasonOf(cause));
}

/**
 * PostgreSQL reports this in two ways: 42P07, or 23505 on an index of its own catalogue. A column or an index may have been made or dropped
 * meanwhile.
 */
const BEING_CREATED =
  /already exists|does not exist|no such index|duplicate column|pg_\w+_index|SQLITE_BUSY|database is locked|ER_LOCK_DEADLOCK|ER_DUP_(FIELD|KEY)NAME|ER_CANT_DROP_FIELD_OR_KEY/;

/** Returns code and first line of an error. An error about several addresses has no message. Drivers put no password into either. */
function reasonOf(error: unknown): string {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  return [code, message.split('\n')[0]].filter((part) => part !== '').join(': ');
}
