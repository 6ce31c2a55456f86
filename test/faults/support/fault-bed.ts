import { afterAll, afterEach, expect } from '@jest/globals';
import type { Engine, TestDatabase } from '../../support/databases.js';
import { openDatabase } from '../../support/databases.js';
import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { TransportMode } from 'nestjs-token';
import { TokenSessionEntity } from 'nestjs-token/typeorm';
import { Oracle } from '../oracle.js';
import type { Target } from './fault-client.js';
import { FaultClient } from './fault-client.js';
import type { NodeProcess, NodeSetup } from './node-process.js';
import { NodePool } from './node-process.js';
import { TcpProxy } from './tcp-proxy.js';

/** G of these tests, milliseconds: short enough to wait for. */
export const GRACE = 1_000;
/** How long these tests let the store be waited for, milliseconds. */
export const STORE_TIMEOUT = 1_000;

const OPTIONS = {
  access: { lifetime: '8s', leeway: '1s' },
  refresh: { grace: `${GRACE}ms`, limit: false },
  storeTimeout: `${STORE_TIMEOUT}ms`,
};

/** What a test needs. */
export interface BedSetup {
  engine: Engine;
  /** A database that is there already. @defaultValue a fresh one */
  database?: TestDatabase;
  /** One entry per process. @defaultValue one process */
  nodes?: readonly Partial<NodeSetup>[];
  /** Over the options of every process's DataSource. */
  connection?: Readonly<Record<string, unknown>>;
  /** Command-line settings of every process's connections (PostgreSQL), such as `-c default_transaction_isolation=serializable`. */
  settings?: string;
  /** How the tokens of every process and client travel. @defaultValue that of the suite */
  transport?: TransportMode;
}

/** A database, a proxy in front of it, processes behind the proxy, and the oracle. */
export class FaultBed {
  readonly nodes: NodeProcess[] = [];
  readonly oracle: Oracle;
  /** What is to be done when the processes have ended, last first. */
  readonly cleanUp: (() => Promise<unknown>)[] = [];

  private constructor(
    private readonly pool: NodePool,
    readonly database: TestDatabase,
    readonly proxy: TcpProxy,
    private readonly common: { readonly connection: Readonly<Record<string, unknown>>; readonly transport: TransportMode },
  ) {
    this.oracle = new Oracle(database.dataSource);
  }

  static async open(pool: NodePool, setup: BedSetup): Promise<FaultBed> {
    const { engine, nodes = [{}], connection: given = {}, settings, transport = 'header' } = setup;
    const file = join(pool.directory, `${randomUUID()}.db`);
    const database = setup.database ?? (await openDatabase(engine, engine === 'sqlite' ? { file } : {}));
    const { port = 0 } = database.options as { port?: number };
    const connection = { ...given, ...withSettings(database, settings) };
    const bed = new FaultBed(pool, database, await TcpProxy.start(port), { connection, transport });
    bed.nodes.push(...(await Promise.all(nodes.map((node) => bed.start(node)))));
    return bed;
  }

  get transport(): TransportMode {
    return this.common.transport;
  }

  /** The first process. */
  get node(): NodeProcess {
    return this.nodes[0]!;
  }

  /** One more process, behind the proxy. It is not among {@link nodes} by itself. */
  async start({ options = {}, dataSource = {}, ...setup }: Partial<NodeSetup> = {}): Promise<NodeProcess> {
    // Entities and migrations are the process's own.
    const {
      entities: _entities,
      migrations: _migrations,
      ...connection
    } = {
      ...this.database.options,
      ...this.common.connection,
      ...dataSource,
    };
    const { transport } = this;
    const { access, refresh, ...others } = options as { access?: object; refresh?: object };
    return this.pool.start({
      ...setup,
      options: { ...OPTIONS, transport, ...others, access: { ...OPTIONS.access, ...access }, refresh: { ...OPTIONS.refresh, ...refresh } },
      dataSource: { ...connection, port: dataSource['port'] ?? this.proxy.port, migrationsRun: false },
    });
  }

  async signIn(subject: string, target: Target = this.node): Promise<FaultClient> {
    return FaultClient.signIn(this.oracle, { target, subject, transport: this.transport });
  }

  async signInAll(count: number, name = 'user'): Promise<FaultClient[]> {
    const clients: FaultClient[] = [];
    for (let index = 0; index < count; index++) clients.push(await this.signIn(`${name}-${index}`, this.nodes[index % this.nodes.length]));
    return clients;
  }

  /** The row of a session. */
  async row({ sessionId }: { sessionId: string }): Promise<TokenSessionEntity> {
    return this.database.dataSource.getRepository(TokenSessionEntity).findOneByOrFail({ id: sessionId });
  }

  /** Moves a session into the past, as if so much time had gone by. */
  async age({ sessionId }: { sessionId: string }, ms: number): Promise<void> {
    const { createdAt, rotatedAt, lastUsedAt, idleExpiresAt, absoluteExpiresAt, windowStartedAt, authTime } = await this.row({ sessionId });
    const instants = { createdAt, rotatedAt, lastUsedAt, idleExpiresAt, absoluteExpiresAt, windowStartedAt, authTime };
    const aged = Object.fromEntries(Object.entries(instants).map(([name, instant]) => [name, instant - ms]));
    await this.database.dataSource.getRepository(TokenSessionEntity).update({ id: sessionId }, aged);
  }

  /** Ends the server's side of every connection of the processes, as an administrator does. */
  async terminateBackends(): Promise<void> {
    const { dataSource } = this.database;
    const ports = this.proxy.serverPorts.join(', ');
    if (ports === '') return;
    if (dataSource.options.type === 'postgres') {
      await dataSource.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE client_port IN (${ports})`);
      return;
    }
    const threads: { id: number }[] = await dataSource.query(
      `SELECT id FROM information_schema.processlist WHERE substring_index(host, ':', -1) IN (${ports})`,
    );
    // One that has ended meanwhile is no failure.
    for (const { id } of threads) await dataSource.query(`KILL ${id}`).catch(() => undefined);
  }

  /** Process ids of the backends that serve the processes (PostgreSQL). */
  async backends(): Promise<number[]> {
    const found: { pid: number }[] = await this.database.dataSource.query(
      `SELECT pid FROM pg_stat_activity WHERE client_port IN (${this.proxy.serverPorts.join(', ')})`,
    );
    return found.map(({ pid }) => pid);
  }

  /** A user of the database server whose right to write can be taken, as on a standby that has not been promoted. */
  async temporaryUser(): Promise<{ name: string; mayWrite(may: boolean): Promise<void> }> {
    const name = `token_${randomBytes(4).toString('hex')}`;
    const { dataSource } = this.database;
    const isPostgres = dataSource.options.type === 'postgres';
    const account = isPostgres ? name : `${name}@'%'`;
    await dataSource.query(isPostgres ? `CREATE ROLE ${name} LOGIN SUPERUSER` : `CREATE USER ${account}`);
    this.cleanUp.push(() => dataSource.query(isPostgres ? `DROP ROLE ${name}` : `DROP USER ${account}`));
    const database = String(dataSource.options.database);
    if (!isPostgres) await dataSource.query(`GRANT ALL ON ${database}.* TO ${account}`);
    return {
      name,
      mayWrite: async (may) => {
        if (isPostgres) await dataSource.query(`ALTER ROLE ${name} SET default_transaction_read_only = ${may ? 'off' : 'on'}`);
        else
          await dataSource.query(`${may ? 'GRANT' : 'REVOKE'} INSERT, UPDATE, DELETE ON ${database}.* ${may ? 'TO' : 'FROM'} ${account}`);
        await this.terminateBackends();
      },
    };
  }

  /** Copies all rows. Calling what it returns puts them back, as restoring a backup does. */
  async backup(): Promise<() => Promise<void>> {
    const rows = this.database.dataSource.getRepository(TokenSessionEntity);
    const copies = await rows.find();
    return async () => {
      await rows.clear();
      await rows.save(copies);
      this.oracle.restored();
    };
  }

  /** The one judgement, after every fault: nothing that the oracle forbids, and nothing unhandled. */
  async expectNothingLost(witnesses: readonly NodeProcess[] = this.nodes.filter(({ isRunning }) => isRunning)): Promise<void> {
    const violations = await this.oracle.violations(witnesses);
    expect([...violations, ...this.pool.complaints]).toEqual([]);
  }

  async close(): Promise<void> {
    await this.pool.stop();
    for (const step of this.cleanUp.reverse()) await step();
    await this.proxy.close();
    await this.database.drop();
  }
}

function withSettings({ options }: TestDatabase, settings: string | undefined): object {
  const { extra } = options as { extra?: { options?: string } };
  return settings === undefined ? {} : { extra: { ...extra, options: `${extra?.options ?? ''} ${settings}` } };
}

/** Opens beds that are closed after each test. */
export function faultBeds(transport: TransportMode = 'header'): (setup: BedSetup) => Promise<FaultBed> {
  const pool = new NodePool();
  const open: FaultBed[] = [];
  afterEach(async () => {
    for (const bed of open.splice(0)) await bed.close();
  });
  afterAll(() => pool.dispose());
  return async (setup) => {
    const bed = await FaultBed.open(pool, { transport, ...setup });
    open.push(bed);
    return bed;
  };
}
