import { TokenSessionEntity } from 'nestjs-token/typeorm';
import { setTimeout as wait } from 'node:timers/promises';
import type { Repository } from 'typeorm';
import type { Engine, TestDatabase } from '../support/databases.js';

const INSTANTS = [
  'rotatedAt',
  'createdAt',
  'lastUsedAt',
  'idleExpiresAt',
  'absoluteExpiresAt',
  'revokedAt',
  'windowStartedAt',
  'authTime',
] as const;
/** 0 means never: it does not grow older. */
const NEVER = ['rotatedAt', 'windowStartedAt'];

/** A row that a transaction of the test holds, so that all statements about it pile up. */
export interface HeldRow {
  /** Waits until so many statements wait for the row. */
  awaited(statements: number): Promise<void>;
  release(): Promise<void>;
}

/** The table of sessions as an operator gets at it, past the library. */
export class SessionTable {
  private readonly rows: Repository<TokenSessionEntity>;
  private readonly backups = new Set<TokenSessionEntity[]>();

  constructor(
    private readonly engine: Engine,
    private readonly database: TestDatabase,
  ) {
    this.rows = database.dataSource.getRepository(TokenSessionEntity);
  }

  /** Makes every session, also in the backups, older: to sessions that is the same as time going by. */
  async pass(milliseconds: number): Promise<void> {
    const { driver } = this.database.dataSource;
    const older = INSTANTS.map((name) => {
      const column = driver.escape(name);
      const aged = `${column} - ${milliseconds}`;
      return `${column} = ${NEVER.includes(name) ? `CASE WHEN ${column} = 0 THEN 0 ELSE ${aged} END` : aged}`;
    });
    await this.database.dataSource.query(`UPDATE ${this.name} SET ${older.join(', ')}`);
    for (const row of [...this.backups].flat()) {
      for (const name of INSTANTS) {
        const instant = row[name];
        if (instant !== null && !(instant === 0 && NEVER.includes(name))) Object.assign(row, { [name]: instant - milliseconds });
      }
    }
  }

  /** Copies all rows. Calling what it returns puts them back, as restoring a backup does. */
  async backup(): Promise<() => Promise<void>> {
    const copies = await this.rows.find();
    this.backups.add(copies);
    return async () => {
      await this.rows.clear();
      await this.rows.save(copies, { chunk: 100 });
    };
  }

  async row(id: string): Promise<TokenSessionEntity> {
    return this.rows.findOneByOrFail({ id });
  }

  async all(): Promise<TokenSessionEntity[]> {
    return this.rows.find();
  }

  async clear(): Promise<void> {
    this.backups.clear();
    await this.rows.clear();
  }

  /** Servers only. */
  async hold(id: string): Promise<HeldRow> {
    const runner = this.database.dataSource.createQueryRunner();
    await runner.startTransaction();
    await runner.query(`SELECT 1 FROM ${this.name} WHERE id = '${id}' FOR UPDATE`);
    return {
      awaited: async (statements) => {
        const deadline = Date.now() + 20_000;
        for (let waiting = -1; waiting < statements; waiting = await this.waiting()) {
          if (Date.now() > deadline) throw new Error(`${waiting} statements wait for the row, not ${statements}`);
          await wait(20);
        }
      },
      release: async () => {
        await runner.rollbackTransaction();
        await runner.release();
      },
    };
  }

  /** Asked outside the transaction that holds the row: within one, PostgreSQL shows the activity of its beginning. */
  private async waiting(): Promise<number> {
    const { schema, database } = this.database.options as { schema?: string; database: string };
    const sql =
      this.engine === 'postgres'
        ? `SELECT count(*) AS waiting FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%"${schema}"%'`
        : `SELECT count(*) AS waiting FROM information_schema.processlist WHERE db = '${database}' AND info LIKE 'SET STATEMENT%'`;
    const [row] = await this.database.dataSource.query<{ waiting: string }[]>(sql);
    return Number(row?.waiting);
  }

  private get name(): string {
    const { driver } = this.database.dataSource;
    return this.rows.metadata.tablePath
      .split('.')
      .map((part) => driver.escape(part))
      .join('.');
  }
}
