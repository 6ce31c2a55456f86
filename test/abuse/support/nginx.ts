import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../support/until.js';
import { unreachable } from '../../support/needs.js';
import { TestProcess } from '../../support/process/test-process.js';
import { freePorts } from '../../support/free-ports.js';

const TEMPLATE = join(import.meta.dirname, '..', '..', 'support', 'engines', 'nginx.conf');

export const CACHES = ['careful', 'tutorial', 'reckless', 'bare'] as const;
/** Which server of the configuration: from a careful cache to none. */
export type Cache = (typeof CACHES)[number];

/** An nginx in front of a process. */
export class Nginx {
  private constructor(
    readonly ports: Readonly<Record<Cache, number>>,
    private readonly base: string,
    private readonly server: TestProcess,
  ) {}

  /** @param nodePort where the process listens. */
  static async start(nodePort: number): Promise<Nginx> {
    const base = mkdtempSync(join(tmpdir(), 'nestjs-token-nginx-'));
    // Its workers are no root, and may belong to another user.
    chmodSync(base, 0o755);
    mkdirSync(join(base, 'cache'));
    const [careful, tutorial, reckless, bare] = (await freePorts(CACHES.length)) as [number, number, number, number];
    const ports = { careful, tutorial, reckless, bare };
    const values: Record<string, string | number> = { BASE: base, NODE: nodePort };
    for (const cache of CACHES) values[cache.toUpperCase()] = ports[cache];
    const configuration = join(base, 'nginx.conf');
    const template = readFileSync(TEMPLATE, 'utf8');
    writeFileSync(
      configuration,
      template.replace(/@([A-Z]+)@/g, (_, name: string) => String(values[name])),
    );
    const child = spawn('nginx', ['-p', base, '-c', configuration, '-e', join(base, 'error.log'), '-g', 'daemon off;'], {
      stdio: 'ignore',
    });
    const nginx = new Nginx(ports, base, new TestProcess(child));
    await until(async () => (await unreachable(bare)) === null).catch((error: unknown) => {
      throw new Error(`nginx does not listen: ${readFileSync(join(base, 'error.log'), 'utf8')}`, { cause: error });
    });
    return nginx;
  }

  /** What its cache holds of responses for targets that begin with a text: heads and bodies. */
  storedFor(target: string): string {
    const folder = join(this.base, 'cache');
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const files = entries.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1'));
    return files.filter((file) => file.includes(target)).join('\n');
  }

  async close(): Promise<void> {
    await this.server.stop('SIGTERM');
    rmSync(this.base, { recursive: true, force: true });
  }
}
