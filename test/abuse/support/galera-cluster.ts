import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { SESSION_MIGRATIONS, TokenSessionEntity } from 'nestjs-token/typeorm';
import { DataSource } from 'typeorm';
import { GALERA_PROVIDER } from '../../support/needs.js';

const SCRIPT = join(import.meta.dirname, '../../support/engines/galera.sh');
const NODES = [0, 1, 2] as const;
/** Ports that one cluster takes, from its first one. */
const PORTS = 43;

interface Connection {
  readonly type?: 'mariadb' | 'mysql';
  readonly database?: string;
}

/** Three MariaDB nodes of a test's own, each of which accepts writes. */
export class GaleraCluster {
  private constructor(
    private readonly directory: string,
    private readonly firstPort: number,
  ) {}

  static async create(): Promise<GaleraCluster> {
    const directory = realpathSync(mkdtempSync(join(tmpdir(), 'nestjs-token-galera-')));
    // The servers run as a user of their own.
    chmodSync(directory, 0o755);
    const cluster = new GaleraCluster(directory, await freePorts());
    try {
      execFileSync('bash', [SCRIPT, directory, String(cluster.firstPort)], {
        env: { ...process.env, GALERA: GALERA_PROVIDER },
        stdio: 'ignore',
      });
    } catch (error) {
      await cluster.dispose();
      throw error;
    }
    return cluster;
  }

  /** A DataSource on one node, with the database `sessions` if it exists. */
  async connect(node: number, { type = 'mariadb', database = 'sessions' }: Connection = {}): Promise<DataSource> {
    const at = { host: '127.0.0.1', port: this.firstPort + node, username: 'root', database };
    return new DataSource({ type, ...at, entities: [TokenSessionEntity], migrations: SESSION_MIGRATIONS }).initialize();
  }

  async dispose(): Promise<void> {
    const pids = NODES.map((node) => join(this.directory, `n${node}`, 'pid'))
      .filter(existsSync)
      .map((file) => Number(readFileSync(file, 'utf8')));
    for (const pid of pids) signal(pid, 'SIGKILL');
    while (pids.some((pid) => signal(pid, 0))) await wait(50);
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Whether there is such a process. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** The first of as many ports in a row as a cluster takes; they are seen to be free now. */
async function freePorts(): Promise<number> {
  for (let first = 23_000; ; first += PORTS) {
    const free = await Promise.all(Array.from({ length: PORTS }, (_, offset) => isFree(first + offset)));
    if (free.every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
