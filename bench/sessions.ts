import type { DataSource } from 'typeorm';

export interface Filling {
  /** The number of the first session. */
  from: number;
  count: number;
  /** Milliseconds from now until the absolute lifetimes end. With a negative value, they have ended. @defaultValue 1 to 90 days */
  expiresInMs?: number;
}

const NOW = '(extract(epoch from now()) * 1000)::bigint';
const DAY = '86400000::bigint';

/** SQL for the session id of a secret: its SHA-256 hash, with the version 8 and the variant bits of RFC 9562. */
const ID = `substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-8' || substr(h, 14, 3) || '-'
  || substr('89ab89ab89ab89ab', ('x' || substr(h, 17, 1))::bit(4)::int + 1, 1) || substr(h, 18, 3) || '-' || substr(h, 21, 12)`;

/** Writes sessions whose refresh tokens are known (`refreshTokenOf` of internals.ts), three for each subject. PostgreSQL only. */
export async function fillSessions(dataSource: DataSource, { from, count, expiresInMs }: Filling): Promise<void> {
  const age = expiresInMs === undefined ? `floor(random() * 89)::bigint * ${DAY}` : `90 * ${DAY} - ${expiresInMs}`;
  await dataSource.query(`
    INSERT INTO token_session (id, realm, subject, generation, branch, "parentBranch", "rotatedAt", "createdAt", "lastUsedAt",
      "idleExpiresAt", "absoluteExpiresAt", "windowCount", "windowStartedAt", "authTime", claims, label, ip, "userAgent")
    SELECT ${ID}, 'default', 'user-' || i / 3, 0, 0, -1, 0, born, born, ${NOW} + 14 * ${DAY}, born + 90 * ${DAY}, 0, 0, born,
      '{"roles":["user"]}', 'Firefox on Linux', '192.0.2.1', 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
    FROM (SELECT i, ${NOW} - (${age}) AS born, encode(sha256(decode(md5('bench' || i), 'hex')), 'hex') AS h
      FROM generate_series(${from}, ${from + count - 1}) AS i) AS source`);
}

/**
 * Writes many sessions, and builds the indexes after all rows have been written. At the end, it updates the statistics and the visibility
 * map, and makes a checkpoint.
 */
export async function fillTable(dataSource: DataSource, filling: Filling): Promise<void> {
  const indexes = await dataSource.query<{ indexname: string; indexdef: string }[]>(
    `SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = 'token_session' AND indexdef NOT LIKE '%UNIQUE%'`,
  );
  const [{ conname }] = await dataSource.query<[{ conname: string }]>(
    `SELECT conname FROM pg_constraint WHERE conrelid = 'token_session'::regclass AND contype = 'p'`,
  );
  for (const { indexname } of indexes) await dataSource.query(`DROP INDEX "${indexname}"`);
  await dataSource.query(`ALTER TABLE token_session DROP CONSTRAINT "${conname}"`);
  await fillSessions(dataSource, filling);
  await dataSource.query(`ALTER TABLE token_session ADD CONSTRAINT "${conname}" PRIMARY KEY (id)`);
  for (const { indexdef } of indexes) await dataSource.query(indexdef);
  await settle(dataSource);
}

/** Vacuums the table and makes a checkpoint, so that the server begins neither during a measurement. */
export async function settle(dataSource: DataSource): Promise<void> {
  await dataSource.query('VACUUM (ANALYZE) token_session');
  await dataSource.query('CHECKPOINT');
}
