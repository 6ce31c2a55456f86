import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import type { NewSession } from 'nestjs-token';
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { PrivatePostgres } from '../faults/support/private-postgres.js';
import type { TestDatabase } from '../support/databases.js';
import { describeWith } from '../support/needs.js';

const describeHere = await describeWith('pg_config');
const POOL = 4;
const PATIENCE = { timeoutMs: 400, lockTimeoutMs: 400 };

describeHere('A synchronous standby that stalls', () => {
  let server: PrivatePostgres;
  let administrator: TestDatabase;
  let dataSource: DataSource;
  beforeAll(async () => {
    server = await PrivatePostgres.create();
    administrator = await server.database();
    const options = { ...administrator.options, migrationsRun: false, poolSize: POOL } as typeof administrator.options;
    dataSource = await new DataSource(options).initialize();
  }, 60_000);
  afterAll(async () => {
    await dataSource.destroy();
    await administrator.drop();
    server.dispose();
  });

  const setStandby = async (change: string): Promise<void> => {
    await administrator.dataSource.query(`ALTER SYSTEM ${change}`);
    await administrator.dataSource.query('SELECT pg_reload_conf()');
  };
  const waiting = async (): Promise<number> => {
    const sql = `SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE '%token_session%'`;
    const [row] = await administrator.dataSource.query<{ waiting: number }[]>(sql);
    return row?.waiting ?? 0;
  };

  it('has no more statements of this process waiting on the primary than the pool has connections, and the others fail at once (F-54)', async () => {
    const repository = new TypeOrmTokenRepository(dataSource, { patience: PATIENCE });
    const isWritten = () =>
      repository.insert(newSession()).then(
        () => true,
        () => false,
      );
    await setStandby("SET synchronous_standby_names = 'nobody'");
    // Each process of the server takes its new settings when it comes to it.
    while ((await isWritten()) || (await waiting()) === 0) await wait(20);
    const failures: string[][] = [];
    for (let wave = 0; wave < 6; wave += 1) {
      const results = await Promise.allSettled(Array.from({ length: 12 }, () => repository.insert(newSession())));
      failures.push(results.map((result) => (result.status === 'rejected' ? (result.reason as Error).name : 'written')));
      expect(await waiting()).toBeLessThanOrEqual(POOL);
    }
    // On a slow machine a statement may have waited for its connection until its time was over.
    for (const name of failures.flat()) expect(['StoreTimeout', 'StoreBusy']).toContain(name);
    expect(failures.at(-1)).toContain('StoreBusy');
    expect(await waiting()).toBeGreaterThan(0);
    // Reads wait for no standby.
    expect(await repository.find(newSession())).toBeNull();

    // Attempts that come sooner than the server is asked again do not put that off.
    const deadline = performance.now() + 30_000;
    const succeeds = async (): Promise<boolean> => {
      while (performance.now() < deadline) {
        if (await isWritten()) return true;
        await wait(10);
      }
      return false;
    };
    const written = succeeds();
    await wait(300);
    await setStandby('RESET synchronous_standby_names');
    expect(await written).toBe(true);
    expect(await waiting()).toBe(0);
  }, 60_000);
});

function newSession(): NewSession {
  return { id: randomUUID(), realm: 'default', subject: 'alice', idleMs: 1e9, absoluteMs: 1e9, claims: {}, device: {} };
}
