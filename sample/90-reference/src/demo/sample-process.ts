import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '..', 'main.js');
const START_WITHIN_MS = 30_000;

/** The sample in a process of its own, on a free port. Its database is deleted at the end. */
export class SampleProcess {
  private constructor(
    private readonly child: ChildProcess,
    private readonly directory: string,
    readonly url: string,
  ) {}

  static async start(environment: Readonly<Record<string, string>>): Promise<SampleProcess> {
    const directory = mkdtempSync(join(tmpdir(), 'nestjs-token-demo-'));
    const child = spawn(process.execPath, [MAIN], {
      env: {
        ...process.env,
        HOST: '127.0.0.1',
        PORT: '0',
        DATABASE_URL: `sqlite:${join(directory, 'demo.db')}`,
        NO_COLOR: '1',
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    try {
      return new SampleProcess(child, directory, await listening(child));
    } catch (error) {
      child.kill('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      const impatience = setTimeout(() => this.child.kill('SIGKILL'), 5_000);
      await gone;
      clearTimeout(impatience);
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Returns the address from the line of the log that names it. */
function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let log = '';
    const fail = (why: string): void => reject(new Error(`the sample ${why}\n${log}`));
    const timer = setTimeout(() => fail('did not start in time'), START_WITHIN_MS);
    const read = (chunk: Buffer): void => {
      log += chunk.toString();
      const [, url] = /listening on (http:\S+)/.exec(log) ?? [];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => {
      clearTimeout(timer);
      fail('ended instead of listening');
    });
  });
}
