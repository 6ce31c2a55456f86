import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import type { DataSourceOptions } from 'typeorm';
import type { TestDatabase } from '../support/databases.js';
import { describeOn, describeOnRedis, openDatabase, REDIS_PORT } from '../support/databases.js';
import type { BuiltProgram } from './build.js';
import { buildProgram } from './build.js';
import type { ScriptSetup } from './worker/script.js';

/** Longer than any script takes on a loaded machine; one that does not end takes for ever. */
const PATIENCE_MS = 60_000;

jest.setTimeout(2 * PATIENCE_MS);

const describeHere = await describeOn('postgres');

describeHere('a script that forgets to close its application', () => {
  let database: TestDatabase;
  let program: BuiltProgram;
  beforeAll(async () => {
    [database, program] = [await openDatabase('postgres'), await buildProgram()];
  });
  afterAll(async () => {
    await program.remove();
    await database.drop();
  });

  async function run(push: boolean, extra: object): Promise<number | null> {
    const options = database.options as DataSourceOptions & { extra: object };
    const dataSource = { type: 'postgres', host: '127.0.0.1', port: 5432, username: 'postgres', database: 'test' } as const;
    const setup: ScriptSetup = { dataSource: { ...dataSource, extra: { ...options.extra, ...extra } }, push };
    return exitCodeOf(join(dirname(program.main), 'script.js'), JSON.stringify(setup));
  }

  it.each([false, true])('ends at once when only this package has something open, with a push channel: %s (F-40)', async (push) => {
    expect(await run(push, { allowExitOnIdle: true })).toBe(0);
  });

  it.each([false, true])('ends when the pool of TypeORM has become idle, with a push channel: %s (F-40)', async (push) => {
    expect(await run(push, {})).toBe(0);
  });
});

const describeOnRedisHere = await describeOnRedis();

describeOnRedisHere('a script that forgets to close its RedisRevocationPush', () => {
  let program: BuiltProgram;
  beforeAll(async () => void (program = await buildProgram()));
  afterAll(() => program.remove());

  it('ends when it has closed its own client (F-40)', async () => {
    expect(await exitCodeOf(join(dirname(program.main), 'redis-script.js'), String(REDIS_PORT))).toBe(0);
  });
});

/** The exit code, or null when the process had to be killed. */
async function exitCodeOf(script: string, argument: string): Promise<number | null> {
  const child = spawn(process.execPath, [script, argument], { stdio: ['ignore', 'ignore', 'inherit'], timeout: PATIENCE_MS });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}
