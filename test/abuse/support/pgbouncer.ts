import { execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unreachable } from '../../support/needs.js';
import { TestProcess } from '../../support/process/test-process.js';
import { until } from '../../support/until.js';
import { freePorts } from '../../support/free-ports.js';

const TEMPLATE = join(import.meta.dirname, '..', '..', 'support', 'engines', 'pgbouncer.ini');

/** A PgBouncer in transaction mode before the PostgreSQL server of the tests. */
export class PgBouncer {
  private constructor(
    readonly port: number,
    private readonly base: string,
    private readonly pooler: TestProcess,
  ) {}

  /** Whether this version can keep prepared statements (`max_prepared_statements`, from 1.21 on). */
  static get knowsPreparedStatements(): boolean {
    const [, major = 0, minor = 0] = /(\d+)\.(\d+)/.exec(execFileSync('pgbouncer', ['--version'], { encoding: 'utf8' })) ?? [];
    return Number(major) > 1 || Number(minor) >= 21;
  }

  /** @param settings further lines of its configuration. */
  static async start(settings: readonly string[] = []): Promise<PgBouncer> {
    const base = mkdtempSync(join(tmpdir(), 'nestjs-token-pgbouncer-'));
    const [port] = (await freePorts(1)) as [number];
    const configuration = join(base, 'pgbouncer.ini');
    writeFileSync(
      configuration,
      readFileSync(TEMPLATE, 'utf8').replaceAll('@PORT@', String(port)).replaceAll('@BASE@', base) + settings.join('\n'),
    );
    const { uid, gid } = owner();
    if (uid !== undefined && gid !== undefined) chownSync(base, uid, gid);
    const child = spawn('pgbouncer', ['--quiet', configuration], { stdio: 'ignore', ...owner() });
    await until(async () => (await unreachable(port)) === null);
    return new PgBouncer(port, base, new TestProcess(child));
  }

  async close(): Promise<void> {
    await this.pooler.stop('SIGTERM');
    rmSync(this.base, { recursive: true, force: true });
  }
}

/** PgBouncer refuses to run as root. */
function owner(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
