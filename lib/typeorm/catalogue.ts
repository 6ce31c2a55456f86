import type { Statement } from './statement-writer.js';

/** The names of a table, as the engines write them. */
export interface TableName {
  /** The database on MariaDB and MySQL, if the entity names one. */
  readonly database: string | null;
  readonly name: string;
  /** The quoted name with its schema. */
  readonly quoted: string;
}

/** The questions to an engine's own catalogue that TypeORM does not ask. */
export interface Catalogue {
  /**
   * Reads the columns of the indexes of a table, in the order of the index, as rows of `index`, `isUnique` (0 or 1) and `column`, which is
   * null for an expression. It leaves out indexes that do not serve every row and every comparison, such as partial, invalid and hash
   * indexes.
   */
  readonly indexes: (table: TableName) => Statement;
  /**
   * Reads where text is kept in a character set that does not have every character, as rows of `place` and `charset`. Null if this cannot
   * happen.
   */
  readonly narrowTexts: ((table: TableName) => Statement) | null;
  /** Says how to fix such a table. */
  readonly widen: (table: TableName) => string;
}

export const SQLITE_CATALOGUE: Catalogue = {
  indexes: ({ name }) => ({
    sql: `SELECT list.name AS "index", list."unique" AS "isUnique", CASE WHEN info.coll = 'BINARY' THEN info.name END AS "column"
      FROM pragma_index_list(?) AS list JOIN pragma_index_xinfo(list.name) AS info
      WHERE list.partial = 0 AND info.key = 1 ORDER BY list.name, info.seqno`,
    parameters: [name],
  }),
  narrowTexts: null,
  widen: () => '',
};

export const POSTGRES_CATALOGUE: Catalogue = {
  indexes: ({ quoted }) => ({
    sql: `SELECT i.indexrelid AS "index", i.indisunique::int AS "isUnique", a.attname AS "column"
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
      CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, position)
      LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
      WHERE i.indrelid = to_regclass($1) AND i.indisvalid AND i.indpred IS NULL AND k.position <= i.indnkeyatts
        AND m.amname NOT IN ('hash', 'brin', 'gin', 'gist', 'spgist')
      ORDER BY i.indexrelid, k.position`,
    parameters: [quoted],
  }),
  // SQL_ASCII accepts every byte.
  narrowTexts: () => ({
    sql: `SELECT 'database' AS place, current_setting('server_encoding') AS charset
      WHERE current_setting('server_encoding') NOT IN ('UTF8', 'SQL_ASCII')`,
    parameters: [],
  }),
  widen: () => "create the database with ENCODING 'UTF8'",
};

export const MARIADB_CATALOGUE: Catalogue = {
  indexes: ({ database, name }) => ({
    sql: `SELECT index_name AS \`index\`, 1 - non_unique AS isUnique, column_name AS \`column\`
      FROM information_schema.statistics
      WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? AND index_type = 'BTREE'
      ORDER BY index_name, seq_in_index`,
    parameters: [database, name],
  }),
  narrowTexts: ({ database, name }) => ({
    sql: `SELECT column_name AS place, character_set_name AS charset FROM information_schema.columns
      WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ? AND character_set_name <> 'utf8mb4'`,
    parameters: [database, name],
  }),
  widen: ({ quoted }) => `ALTER TABLE ${quoted} CONVERT TO CHARACTER SET utf8mb4`,
};
