import { codeOf } from './driver-error.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import type { Catalogue } from './catalogue.js';
import { MARIADB_CATALOGUE, POSTGRES_CATALOGUE, SQLITE_CATALOGUE } from './catalogue.js';
import type { PreparedQueries } from './prepared-queries.js';
import { MYSQL_PREPARED, POSTGRES_PREPARED } from './prepared-queries.js';
import type { Statement } from './statement-writer.js';

/** Runs a statement and returns its rows. */
export type Query = (sql: string) => Promise<unknown>;

/** Everything that differs between the engines, and the reason for it. What was measured is in docs/rotation.md §6. */
export interface SqlDialect {
  /**
   * The engine's clock as an expression. It gives epoch milliseconds as a 64-bit integer, which stays the same throughout one statement.
   */
  readonly now: string;
  /** Whether INSERT, UPDATE and DELETE return the changed rows (`RETURNING`). */
  readonly returning: boolean;
  /** Whether text is compared without regard to case and trailing spaces unless the statement says otherwise. */
  readonly looseText: boolean;
  /** How DELETE is limited to a number of rows. */
  readonly deleteLimit: 'limit' | 'subquery';
  /** Whether an index finds the rows of `(a, b) > (1, 2)`. If not, it finds them by `a > 1 OR (a = 1 AND b > 2)`. */
  readonly comparesRows: boolean;
  /** Makes a 64-bit integer of a placeholder. */
  readonly integer: (placeholder: string) => string;
  /** Returns the text of a statement with a bound on how long the server lets it wait for a lock. `lockTimeoutMs` is a positive integer. */
  readonly bounded: (sql: string, lockTimeoutMs: number) => string;
  /** How the driver runs a statement that it has prepared before. Null if TypeORM keeps prepared statements itself. */
  readonly prepared: PreparedQueries | null;
  /** Tells whether an error means that the same statement may be repeated at once. */
  readonly isConflict: (error: unknown) => boolean;
  /**
   * Returns the dialect for the server that is connected, which is known only at start-up.
   * @throws {TokenOptionsError} if the server cannot be used with its present settings.
   */
  readonly adapt: (query: Query) => Promise<SqlDialect>;
  /** Reads which of these processes or threads of the server are at work, as rows of `id`. */
  readonly busyBackends: (ids: readonly number[]) => Statement;
  /** What start-up asks about the table. */
  readonly catalogue: Catalogue;
}

const SQLITE: SqlDialect = {
  // The result of unixepoch('subsec') is a real number. It is rounded, because 1.001 * 1000 is 1000.9999999999999.
  now: "cast(round(unixepoch('subsec') * 1000) as integer)",
  returning: true,
  looseText: false,
  deleteLimit: 'subquery',
  comparesRows: true,
  // The driver's `timeout` bounds the wait for another process's lock; SQLite has no bound per statement.
  bounded: (sql) => sql,
  integer: (placeholder) => `cast(${placeholder} as integer)`,
  // TypeORM caches what it has prepared on its one connection (`statementCacheSize`).
  prepared: null,
  // With SQLITE_BUSY, SQLITE_BUSY_SNAPSHOT and SQLITE_LOCKED, another process wrote at the same time.
  isConflict: (error) => /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error)),
  adapt: async () => SQLITE,
  // Statements end before the driver's call ends, so none of them can be at work.
  busyBackends: () => ({ sql: 'SELECT 0 AS id WHERE false', parameters: [] }),
  catalogue: SQLITE_CATALOGUE,
};

const POSTGRES: SqlDialect = {
  // This is statement_timestamp, because now() stands still within a transaction. It uses floor, because a cast rounds and may be 1 ms
  // ahead of the clock.
  now: 'floor(extract(epoch from statement_timestamp()) * 1000)::bigint',
  returning: true,
  looseText: false,
  deleteLimit: 'subquery',
  comparesRows: true,
  // The bound is in the statement itself and local to it. So there is no second statement, and nothing stays behind on the pooled
  // connection.
  bounded: (sql, lockTimeoutMs) =>
    /^(UPDATE|DELETE)\b/.test(sql)
      ? sql.replace(' WHERE ', ` WHERE set_config('lock_timeout', '${lockTimeoutMs}', true) IS NOT NULL AND `)
      : sql,
  integer: (placeholder) => `${placeholder}::bigint`,
  prepared: POSTGRES_PREPARED,
  // 40001 is a serialization failure, because the default of the database may be REPEATABLE READ. 40P01 is a deadlock.
  isConflict: (error) => ['40001', '40P01'].includes(codeOf(error)),
  adapt: async () => POSTGRES,
  busyBackends: (ids) => ({
    sql: "SELECT pid AS id FROM pg_stat_activity WHERE pid = ANY ($1) AND state = 'active'",
    parameters: [ids],
  }),
  catalogue: POSTGRES_CATALOGUE,
};

const MARIADB: SqlDialect = {
  // This is utc_timestamp, because unix_timestamp(now(3)) is an hour off in the hour that daylight saving time repeats.
  now: "(timestampdiff(microsecond, '1970-01-01', utc_timestamp(3)) div 1000)",
  // The engine does not know UPDATE … RETURNING.
  returning: false,
  looseText: true,
  // The engine refuses LIMIT in a subquery of IN.
  deleteLimit: 'limit',
  comparesRows: false,
  // The unit is seconds with fractions. The bound includes waiting for locks, and applies to this statement only.
  bounded: (sql, lockTimeoutMs) => (/^SELECT\b/.test(sql) ? sql : `SET STATEMENT max_statement_time = ${lockTimeoutMs / 1_000} FOR ${sql}`),
  integer: (placeholder) => `cast(${placeholder} as signed)`,
  prepared: MYSQL_PREPARED,
  // 1213 is a deadlock. 1020 means that the row has changed since the snapshot (innodb_snapshot_isolation, the default from 11.6).
  isConflict: (error) => ['ER_LOCK_DEADLOCK', 'ER_CHECKREAD'].includes(codeOf(error)),
  adapt: async (query) => ((await galeraWaits(query)) === null ? MARIADB : GALERA),
  busyBackends: (ids) => ({
    sql: `SELECT id FROM information_schema.processlist WHERE id IN (${ids.map(() => '?').join(', ')}) AND command <> 'Sleep'`,
    parameters: ids,
  }),
  catalogue: MARIADB_CATALOGUE,
};

/** All bits of `wsrep_sync_wait`: wait before SELECT, before UPDATE and DELETE, and before INSERT. */
const WAIT_FOR_ALL = 7;

/**
 * The dialect of a Galera cluster. Without `wsrep_sync_wait`, a node that lags returns old rows, and sessions that another node has just
 * opened are not found. Every statement first waits until its node has applied what the cluster has committed. Reads are bounded too,
 * because they wait as well.
 */
const GALERA: SqlDialect = {
  ...MARIADB,
  bounded: (sql, lockTimeoutMs) =>
    `SET STATEMENT wsrep_sync_wait = ${WAIT_FOR_ALL}, max_statement_time = ${lockTimeoutMs / 1_000} FOR ${sql}`,
};

/** The dialect of MySQL, which has no SET STATEMENT. The wait for a lock is bounded by the connection's `innodb_lock_wait_timeout`. */
const MYSQL: SqlDialect = {
  ...MARIADB,
  bounded: (sql) => sql,
  adapt: async (query) => {
    const waits = await galeraWaits(query);
    if (waits !== null && (waits & WAIT_FOR_ALL) !== WAIT_FOR_ALL) {
      const remedy = "use type: 'mariadb', or set wsrep_sync_wait = 7 on every node of the cluster";
      throw new TokenOptionsError('dataSource', `a Galera cluster with wsrep_sync_wait = ${waits} gives old rows: ${remedy}`);
    }
    return MYSQL;
  },
};

/**
 * Returns the `wsrep_sync_wait` of a Galera cluster, or null if the server is none. It uses SHOW, which does not fail on a server without
 * such a variable.
 */
async function galeraWaits(query: Query): Promise<number | null> {
  const rows = await query("SHOW VARIABLES WHERE Variable_name IN ('wsrep_on', 'wsrep_sync_wait')");
  const values = new Map((rows as { Variable_name: string; Value: string }[]).map((row) => [row.Variable_name, row.Value]));
  return values.get('wsrep_on') === 'ON' ? Number(values.get('wsrep_sync_wait')) : null;
}

const DIALECTS: Readonly<Record<string, SqlDialect>> = { 'better-sqlite3': SQLITE, postgres: POSTGRES, mariadb: MARIADB, mysql: MYSQL };

/** Returns the dialect of a TypeORM driver, or undefined if the driver is not supported. */
export function sqlDialectOf(driver: string): SqlDialect | undefined {
  return DIALECTS[driver];
}
