import type { DataSource, QueryResult, QueryRunner } from 'typeorm';
import type { StorePatience } from '../session/token-repository.js';
import { StoreConflict } from '../session/token-repository.js';
import type { Statement } from './statement-writer.js';
import type { SqlDialect } from './sql-dialect.js';

/** The store did not answer in time. Whether the statement took effect is unknown; a repeated presentation finds out. */
export class StoreTimeout extends Error {
  override readonly name = 'StoreTimeout';
  constructor() {
    super('the store did not answer in time');
  }
}

/** Runs statements on the primary, each on a connection of its own and outside any transaction, and never waits without end. */
export class StatementRunner {
  constructor(
    private readonly dataSource: DataSource,
    private readonly dialect: SqlDialect,
    private readonly patience: StorePatience,
  ) {}

  /** @throws {StoreConflict | StoreTimeout} or what the driver throws. */
  async run(statement: Statement): Promise<QueryResult> {
    const runner = this.dataSource.createQueryRunner('master');
    const deadline = new Deadline(this.patience.timeoutMs, () => giveUp(runner));
    try {
      return await deadline.race(this.query(runner, statement));
    } catch (error) {
      throw this.dialect.isConflict(error) ? new StoreConflict({ cause: error }) : error;
    } finally {
      deadline.clear();
    }
  }

  private async query(runner: QueryRunner, statement: Statement): Promise<QueryResult> {
    const { sql, parameters } = this.dialect.bounded(statement, this.patience.lockTimeoutMs);
    try {
      return await runner.query(sql, [...parameters], true);
    } finally {
      await runner.release();
    }
  }
}

/** Rejects what takes too long, and lets go of it. */
class Deadline {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly timeoutMs: number,
    private readonly abandon: () => void,
  ) {}

  async race<T>(work: Promise<T>): Promise<T> {
    const timeout = new Promise<never>((_, reject) => {
      this.timer = setTimeout(() => {
        this.abandon();
        reject(new StoreTimeout());
      }, this.timeoutMs);
    });
    return Promise.race([work, timeout]);
  }

  clear(): void {
    clearTimeout(this.timer);
  }
}

/** A connection that does not answer must not go back to the pool: its socket is closed, so that the driver drops it and the query fails. */
function giveUp(runner: QueryRunner): void {
  const { databaseConnection: connection } = runner as {
    databaseConnection?: { connection?: { stream?: Destroyable }; stream?: Destroyable };
  };
  (connection?.connection?.stream ?? connection?.stream)?.destroy(new StoreTimeout());
}

interface Destroyable {
  destroy(error: Error): unknown;
}
