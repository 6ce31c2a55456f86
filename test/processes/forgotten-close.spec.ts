import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { DataSourceOptions } from 'typeorm';
import type { TestDatabase } from '../support/databases.js';
import { openDatabase } from '../support/databases.js';
import { describeWith, REDIS_PORT } from '../support/needs.js';
import { CompiledProgram } from '../support/process/compiled-program.js';
import { TestProcess } from '../support/process/test-process.js';
import { WORKER } from './worker-process.js';
import type { ScriptSetup } from './worker/script.js';

/** Longer than any script takes on a loaded machine; one that does not end takes for ever. */
const PATIENCE_MS = 60_000;

jest.setTimeout(2 * PATIENCE_MS);

const describeHere = await describeWith('postgres');

let program: CompiledProgram;
beforeAll(() => void (program = new CompiledProgram(WORKER)));
afterAll(() => program.dispose());

describeHere('a script that forgets to close its application', () => {
  let database: TestDatabase;
  beforeAll(async () => void (database = await openDatabase('postgres')));
  afterAll(() => database.drop());

  async function run(push: boolean, extra: object): Promise<number | string> {
    const options = database.options as DataSourceOptions & { extra: object };
    const dataSource = { type: 'postgres', host: '127.0.0.1', port: 5432, username: 'postgres', database: 'test' } as const;
    const setup: ScriptSetup = { dataSource: { ...dataSource, extra: { ...options.extra, ...extra } }, push };
    return exitCodeOf('script.ts', JSON.stringify(setup));
  }

  it.each([false, true])('ends at once when only this package has something open, with a push channel: %s (F-40)', async (push) => {
    expect(await run(push, { allowExitOnIdle: true })).toBe(0);
  });

  it.each([false, true])('ends when the pool of TypeORM has become idle, with a push channel: %s (F-40)', async (push) => {
    expect(await run(push, {})).toBe(0);
  });
});

const describeOnRedisHere = await describeWith('redis');

describeOnRedisHere('a script that forgets to close its RedisRevocationPush', () => {
  it('ends when it has closed its own client (F-40)', async () => {
    expect(await exitCodeOf('redis-script.ts', String(REDIS_PORT))).toBe(0);
  });
});

/** The exit code, or the signal when the process had to be killed. */
function exitCodeOf(script: string, argument: string): Promise<number | string> {
  const child = program.spawn(`test/processes/worker/${script}`, { args: [argument], timeout: PATIENCE_MS });
  return new TestProcess(child).ended;
}
