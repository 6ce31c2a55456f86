import { EnvironmentError } from './environment-error.js';

/** Where the sessions are stored: in an SQLite file (or `:memory:`), or on a server. */
export type DatabaseLocation =
  { readonly type: 'better-sqlite3'; readonly file: string } | { readonly type: 'postgres' | 'mysql' | 'mariadb'; readonly url: string };

const SERVERS = { 'postgres:': 'postgres', 'postgresql:': 'postgres', 'mysql:': 'mysql', 'mariadb:': 'mariadb' } as const;

/** Reads `DATABASE_URL`. @throws {EnvironmentError} if it is not the address of a database that the sample supports. */
export function readDatabaseLocation(text: string): DatabaseLocation {
  const [, file] = /^sqlite:(.+)$/.exec(text) ?? [];
  if (file !== undefined) return { type: 'better-sqlite3', file };
  const url = URL.canParse(text) ? new URL(text) : null;
  const type = Object.entries(SERVERS).find(([protocol]) => protocol === url?.protocol)?.[1];
  if (!url || !type) throw new EnvironmentError('DATABASE_URL', 'is none of sqlite:<file>, postgres://…, mysql://… and mariadb://…');
  if (url.hostname === '' || url.pathname.length < 2 || !isDecodable(url)) {
    throw new EnvironmentError('DATABASE_URL', `is not of the form ${url.protocol}//user:password@host:port/database`);
  }
  return { type, url: text };
}

/** Returns whether user name and password can be decoded. A `%` in a password must be written as `%25`. */
function isDecodable({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password);
    return true;
  } catch {
    return false;
  }
}
