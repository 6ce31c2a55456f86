import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DataSourceOptions } from 'typeorm';
import type { Engine, TestDatabase } from '../support/databases.js';
import { openDatabase } from '../support/databases.js';
import { CompiledProgram } from '../support/process/compiled-program.js';
import { SessionTable } from './session-table.js';
import { WORKER, WorkerProcess } from './worker-process.js';
import type { Presented, SignedIn, WorkerSetup } from './worker/messages.js';
import { REALM } from './worker/messages.js';

const HOUR = 3_600_000;
/** How far the clocks of the processes are off (P10). */
const SKEWS = [0, 7 * HOUR, -5 * HOUR, 2_400 * HOUR];
/** Connections of each process: four of them leave a server room for others. */
export const POOL = 8;

export interface ClusterSetup extends Partial<Pick<WorkerSetup, 'serves' | 'options' | 'onConnection'>> {
  /** @defaultValue 4 */
  processes?: number;
  /** PostgreSQL: settings that every connection of the processes starts with. */
  settings?: readonly string[];
}

/** How presentations are spread. */
export interface Spread {
  /** @defaultValue all */
  processes?: number;
  /** Instances in each process; 1: what shares a process shares its work. @defaultValue one for each presentation */
  lanes?: number;
  realm?: string;
}

/** Several processes over one database, whose clocks are hours apart. */
export class Cluster {
  readonly table: SessionTable;
  readonly nodes: WorkerProcess[] = [];

  private constructor(
    readonly engine: Engine,
    private readonly database: TestDatabase,
    private readonly program: CompiledProgram,
    private readonly setup: Omit<WorkerSetup, 'skewMs'>,
    private readonly folder: string,
  ) {
    this.table = new SessionTable(engine, database);
  }

  static async start(engine: Engine, setup: ClusterSetup = {}): Promise<Cluster> {
    const { processes = 4, serves = 'sessions', options = {}, onConnection = [], settings = [] } = setup;
    const folder = await mkdtemp(join(tmpdir(), 'processes-'));
    const sqlite = { file: join(folder, 'sessions.db'), over: { enableWAL: true } as Partial<DataSourceOptions> };
    const database = await openDatabase(engine, engine === 'sqlite' ? sqlite : {});
    const dataSource = forWorkers(database.options, settings);
    const workers = { dataSource, onConnection, serves, options };
    const cluster = new Cluster(engine, database, new CompiledProgram(WORKER), workers, folder);
    await cluster.add(processes);
    return cluster;
  }

  /** Starts more processes. @returns the first of them. */
  async add(processes = 1): Promise<WorkerProcess> {
    // The clock of an application that listens judges access tokens: there it is right.
    const skewed = this.setup.serves === 'sessions';
    const setups = Array.from({ length: processes }, (_, index) => ({
      ...this.setup,
      skewMs: skewed ? SKEWS[(this.nodes.length + index) % SKEWS.length]! : 0,
    }));
    const started = await Promise.all(setups.map((setup) => WorkerProcess.start(this.program, setup)));
    this.nodes.push(...started);
    return started[0]!;
  }

  node(index: number): WorkerProcess {
    const living = this.nodes.filter(({ isRunning }) => isRunning);
    return living[index % living.length]!;
  }

  /** Opens sessions, on all processes in turn. */
  async signIn(count: number, { realm = REALM, subject = 'alice' } = {}): Promise<SignedIn[]> {
    const shares = deal(Array<string>(count).fill(subject), this.nodes.length);
    const signedIn = await Promise.all(
      shares.map((subjects, index) => this.node(index).ask<SignedIn[]>({ do: 'sign in', subjects, realm })),
    );
    return signedIn.flat();
  }

  async signInOnce(given: { realm?: string; subject?: string } = {}): Promise<SignedIn> {
    const [signedIn] = await this.signIn(1, given);
    if (!signedIn) throw new Error('nobody signed in');
    return signedIn;
  }

  /** Presents one token after the other's answer. */
  async presentAt(index: number, token: string, realm = REALM): Promise<Presented> {
    const [answer] = await this.node(index).present({ tokens: [token], realm, lanes: 1, at: 0n });
    if (!answer) throw new Error('the process is gone');
    return answer;
  }

  /** Presents tokens at one instant, dealt to the processes in turn. @returns the answers by process. */
  async presentAtOnce(
    tokens: readonly string[],
    { processes = this.nodes.length, lanes, realm = REALM }: Spread = {},
  ): Promise<Presented[]> {
    const at = soon(tokens.length);
    const shares = deal(tokens, processes);
    const answers = await Promise.all(
      shares.map((share, index) => this.node(index).present({ tokens: share, realm, lanes: lanes ?? share.length, at })),
    );
    return answers.flat().filter((answer) => answer !== undefined);
  }

  /** Presents tokens of one session while its row is held, and lets go of it when all connections wait for it. Servers only. */
  async presentBehindLock(id: string, tokens: readonly string[], processes = this.nodes.length): Promise<Presented[]> {
    const held = await this.table.hold(id);
    const answers = this.presentAtOnce(tokens, { processes });
    await held.awaited(Math.min(tokens.length, POOL * processes)).finally(() => held.release());
    return answers;
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
    this.program.dispose();
    await this.database.drop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** An instant at which every process has its orders. */
export function soon(tokens = 0): bigint {
  return process.hrtime.bigint() + 20_000_000n + BigInt(tokens) * 20_000n;
}

function deal<T>(things: readonly T[], shares: number): T[][] {
  return Array.from({ length: shares }, (_, share) => things.filter((_, index) => index % shares === share));
}

/** What travels to a process: no classes, and nothing that would create the table again. */
function forWorkers(options: DataSourceOptions, settings: readonly string[]): DataSourceOptions {
  const { entities: _entities, migrations: _migrations, ...plain } = options;
  const started = (plain as { extra?: { options?: string } }).extra?.options;
  const extra = started !== undefined && { extra: { options: [started, ...settings.map((setting) => `-c ${setting}`)].join(' ') } };
  return { ...plain, ...extra, poolSize: POOL, migrationsRun: false, synchronize: false } as DataSourceOptions;
}
