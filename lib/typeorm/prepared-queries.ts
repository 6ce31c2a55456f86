import { codeOf, routineOf } from './driver-error.js';

/** What a statement returned, as far as the repository reads it. */
export interface StatementResult {
  readonly records: readonly unknown[];
  readonly affected: number | undefined;
}

/** A statement that the server may know by its name. */
export interface NamedStatement {
  readonly name: string;
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/**
 * Why a prepared statement was refused before it ran, so that it may run again as plain text. `outdated` means that the table has changed
 * since, and the statement must be prepared anew. `unavailable` means that the server does not know what the driver has prepared, as behind
 * a pooler that gives every transaction another connection, or that it takes no more.
 */
export type PreparationRefusal = 'outdated' | 'unavailable';

/** Runs prepared statements with one driver. */
export interface PreparedQueries {
  /** Tells whether a connection, as TypeORM hands it out, can prepare. A driver of the application's own may not. */
  readonly supports: (connection: object) => boolean;
  readonly run: (connection: object, statement: NamedStatement) => Promise<StatementResult>;
  /** Tells why the statement was refused. Null if the error has another cause. */
  readonly refusalOf: (error: unknown) => PreparationRefusal | null;
}

interface PostgresConnection {
  readonly connection?: { readonly parsedStatements?: object };
  query(
    config: { name: string; text: string; values: readonly unknown[] },
    done: (error: Error | null, result: { rows: unknown[]; rowCount: number | null }) => void,
  ): void;
}

/** Runs prepared statements with pg, which parses a named statement once per connection. */
export const POSTGRES_PREPARED: PreparedQueries = {
  supports: (connection) => typeof (connection as PostgresConnection).connection?.parsedStatements === 'object',
  run: (connection, { name, sql: text, parameters: values }) =>
    new Promise((resolve, reject) => {
      (connection as PostgresConnection).query({ name, text, values }, (error, result) => {
        if (error) reject(error);
        else resolve({ records: result.rows, affected: result.rowCount ?? undefined });
      });
    }),
  refusalOf(error) {
    const code = codeOf(error);
    // The code 0A000 ("cached plan must not change result type") means that the type of a column has changed.
    if (code === '0A000' && routineOf(error) === 'RevalidateCachedQuery') return 'outdated';
    // With 26000, the server does not know the name. With 42P05, it does, although the driver has not prepared it there.
    return code === '26000' || code === '42P05' ? 'unavailable' : null;
  },
};

type Done = (error: Error | null, result: unknown[] | { affectedRows: number }) => void;

interface MysqlConnection {
  execute?(sql: string, values: readonly unknown[], done: Done): unknown;
}

const MYSQL_REFUSALS: Readonly<Record<string, PreparationRefusal>> = {
  ER_NEED_REPREPARE: 'outdated',
  ER_UNKNOWN_STMT_HANDLER: 'unavailable',
  ER_MAX_PREPARED_STMT_COUNT_REACHED: 'unavailable',
  ER_UNSUPPORTED_PS: 'unavailable',
};

/** Runs prepared statements with mysql2, which keeps what it has prepared by its text. The driver called mysql cannot prepare. */
export const MYSQL_PREPARED: PreparedQueries = {
  supports: (connection) => typeof (connection as MysqlConnection).execute === 'function',
  run: (connection, { sql, parameters }) =>
    new Promise((resolve, reject) => {
      (connection as MysqlConnection).execute?.(sql, parameters, (error, result) => {
        if (error) reject(error);
        else resolve(Array.isArray(result) ? { records: result, affected: undefined } : { records: [], affected: result.affectedRows });
      });
    }),
  refusalOf: (error) => MYSQL_REFUSALS[codeOf(error)] ?? null,
};
