import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../support/pushed-nodes.js';
import { freePorts } from './free-ports.js';

const TEMPLATE = join(import.meta.dirname, '..', '..', 'support', 'engines', 'pgbouncer.ini');

/** A PgBouncer in transaction mode before the PostgreSQL server of the tests. */
export class PgBouncer {
  private constructor(
    readonly port: number,
    private readonly base: string,
    private readonly child: ChildProcess,
  ) {}

  static async start(): Promise<PgBouncer> {
    const base = mkdtempSync(join(tmpdir(), 'nestjs-token-pgbouncer-'));
    const [port] = (await freePorts(1)) as [number];
    const configuration = join(base, 'pgbouncer.ini');
    writeFileSync(configuration, readFileSync(TEMPLATE, 'utf8').replaceAll('@PORT@', String(port)).replaceAll('@BASE@', base));
    const { uid, gid } = owner();
    if (uid !== undefined && gid !== undefined) chownSync(base, uid, gid);
    const child = spawn('pgbouncer', ['--quiet', configuration], { stdio: 'ignore', ...owner() });
    await until(() => listens(port));
    return new PgBouncer(port, base, child);
  }

  async close(): Promise<void> {
    if (this.child.exitCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await ended;
    }
    rmSync(this.base, { recursive: true, force: true });
  }
}

/** PgBouncer refuses to run as root. */
function owner(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
