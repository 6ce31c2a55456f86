import type { DataSource, QueryRunner } from 'typeorm';
import type { SqlDialect } from './sql-dialect.js';

/** The server still works on as many given-up statements as the pool has connections. One more statement would only join them. */
export class StoreBusy extends Error {
  override readonly name = 'StoreBusy';
  constructor() {
    super('the store is still busy with statements that were given up');
  }
}

const DRIVERS_DEFAULT = 10;
/** How long a busy server is remembered, in milliseconds. */
const REMEMBERED_MS = 100;

/**
 * Bounds the number of statements that the server works on at once by the size of the pool. Statements that this process has given up count
 * too. Closing a connection does not end a COMMIT that waits for a stalled standby: the pool replaces the connection, and without a bound
 * one such statement after the other would pile up on the server.
 */
export class BusyBackends {
  /** Process or thread ids, on the server, of what was given up. */
  private readonly givenUp = new Set<number>();
  private sent = 0;
  private busyUntil = -Infinity;

  constructor(
    private readonly limit: number,
    private readonly dialect: SqlDialect,
  ) {}

  /**
   * Runs a statement, if there is room for one. If there may be none, it first asks the server over the same connection what it still works
   * on.
   * @throws {StoreBusy} if there is no room, and what the statement throws.
   */
  async run<T>(runner: QueryRunner, statement: () => Promise<T>): Promise<T> {
    if (!this.hasRoom) await this.ask(runner);
    this.sent += 1;
    try {
      return await statement();
    } finally {
      this.sent -= 1;
    }
  }

  /** Counts the statement that runs on a connection as given up, until the server says that it has ended. */
  giveUp(runner: QueryRunner): void {
    const backend = backendOf(runner);
    if (backend !== undefined) this.givenUp.add(backend);
  }

  private get hasRoom(): boolean {
    return this.givenUp.size === 0 || this.givenUp.size + this.sent < this.limit;
  }

  private async ask(runner: QueryRunner): Promise<void> {
    const asked = [...this.givenUp];
    if (performance.now() >= this.busyUntil) {
      const { sql, parameters } = this.dialect.busyBackends(asked);
      const rows = (await runner.query(sql, [...parameters])) as { id: string | number }[];
      const busy = new Set(rows.map(({ id }) => Number(id)));
      for (const backend of asked) if (!busy.has(backend)) this.givenUp.delete(backend);
      if (!this.hasRoom) this.busyUntil = performance.now() + REMEMBERED_MS;
    }
    if (!this.hasRoom) throw new StoreBusy();
  }
}

/** Returns how many connections the pool of a DataSource has at most. */
export function poolSizeOf({ options }: DataSource): number {
  const { poolSize, extra } = options as { poolSize?: number; extra?: { max?: number; connectionLimit?: number } };
  return extra?.max ?? extra?.connectionLimit ?? poolSize ?? DRIVERS_DEFAULT;
}

/** Returns the process or thread id of a connection on the server. pg calls it `processID`, and mysql2 calls it `threadId`. */
function backendOf(runner: QueryRunner): number | undefined {
  const { databaseConnection } = runner as { databaseConnection?: { processID?: number; threadId?: number } };
  return databaseConnection?.processID ?? databaseConnection?.threadId;
}
