import type { DataSource, QueryRunner } from 'typeorm';
import { BusyBackends, poolSizeOf } from './busy-backends.js';
import { withDeadline } from '../principal/deadline.js';
import type { StorePatience } from '../session/token-repository.js';
import { StoreConflict } from '../session/token-repository.js';
import type { StatementResult } from './prepared-queries.js';
import type { SqlDialect } from './sql-dialect.js';
import type { SessionStatement } from './statement-composer.js';
import { StatementSender } from './statement-sender.js';

/** The store did not respond in time. It is unknown whether the statement took effect. A repeated presentation finds out. */
export class StoreTimeout extends Error {
  override readonly name = 'StoreTimeout';
  constructor() {
    super('the store did not answer in time');
  }
}

/** Settings of running statements. */
export interface RunnerSettings {
  readonly patience: StorePatience;
  /** Whether statements are prepared by name, if the driver can do that. */
  readonly prepares: boolean;
}

/** Runs statements on the primary, each on a connection of its own and outside any transaction. It never waits without end. */
export class StatementRunner {
  /** The reads. They are counted separately, so that a standby that stalls does not delay them. */
  private readonly reads: BusyBackends;
  private readonly writes: BusyBackends;
  private readonly sender: StatementSender;

  constructor(
    private readonly dataSource: DataSource,
    private readonly dialect: SqlDialect,
    private readonly settings: RunnerSettings,
  ) {
    const limit = poolSizeOf(dataSource);
    this.reads = new BusyBackends(limit, dialect);
    this.writes = new BusyBackends(limit, dialect);
    this.sender = new StatementSender(dataSource, settings.prepares ? dialect.prepared : null);
  }

  /**
   * Runs a statement.
   * @throws {StoreConflict | StoreTimeout | StoreBusy} or what the driver throws.
   */
  async run(statement: SessionStatement): Promise<StatementResult> {
    const attempt = new Attempt(this.dataSource.createQueryRunner('master'));
    const work = this.query(attempt, statement, statement.reads ? this.reads : this.writes);
    try {
      return await withDeadline(work, this.settings.patience.timeoutMs, () => attempt.giveUp());
    } catch (error) {
      throw this.dialect.isConflict(error) ? new StoreConflict({ cause: error }) : error;
    }
  }

  private async query(attempt: Attempt, statement: SessionStatement, backends: BusyBackends): Promise<StatementResult> {
    const { runner } = attempt;
    try {
      const connection = (await runner.connect()) as object;
      // Nobody waits for the result any more, so a statement that has queued for a connection must not be sent late.
      attempt.requireTime();
      return await backends.run(runner, () => {
        attempt.requireTime();
        attempt.onGivingUp = () => backends.giveUp(runner);
        return this.sender.send(statement, { runner, connection, requireTime: () => attempt.requireTime() });
      });
    } finally {
      await runner.release();
    }
  }
}

/** One statement and the connection that it has. */
class Attempt {
  /** Called when the statement is given up. */
  onGivingUp: () => void = () => undefined;
  private hasEnded = false;

  constructor(readonly runner: QueryRunner) {}

  /** Gives up the statement and its connection. @returns the error to reject with. */
  giveUp(): StoreTimeout {
    this.hasEnded = true;
    this.onGivingUp();
    closeConnection(this.runner);
    return new StoreTimeout();
  }

  /**
   * Requires that somebody still waits for the statement.
   * @throws {StoreTimeout} if nobody does.
   */
  requireTime(): void {
    if (this.hasEnded) throw new StoreTimeout();
  }
}

/**
 * Closes a connection. One that does not respond must not go back to the pool. Its socket is closed, so that the driver drops it and the
 * query fails.
 */
function closeConnection(runner: QueryRunner): void {
  const { databaseConnection: connection } = runner as {
    databaseConnection?: { connection?: { stream?: Destroyable }; stream?: Destroyable };
  };
  (connection?.connection?.stream ?? connection?.stream)?.destroy(new StoreTimeout());
}

interface Destroyable {
  destroy(error: Error): unknown;
}
