import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import type { NewSession } from 'nestjs-token';
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { DataSource, QueryRunner } from 'typeorm';
import { describeWith } from '../support/needs.js';
import { GaleraCluster } from './support/galera-cluster.js';

const describeHere = await describeWith('galera');
/** So long that a slow machine changes nothing. */
const PATIENCE = { timeoutMs: 60_000, lockTimeoutMs: 60_000 };
const LAG_MS = 500;

describeHere('A Galera cluster with a node that lags', () => {
  let cluster: GaleraCluster;
  let here: DataSource;
  let there: DataSource;
  let lock: QueryRunner;
  beforeAll(async () => {
    cluster = await GaleraCluster.create();
    const first = await cluster.connect(0, { database: 'mysql' });
    await first.query('CREATE DATABASE sessions');
    await first.destroy();
    here = await cluster.connect(0);
    await here.runMigrations();
    there = await cluster.connect(2);
  }, 300_000);
  afterAll(async () => {
    await Promise.all([here.destroy(), there.destroy()]);
    await cluster.dispose();
  }, 60_000);
  beforeEach(async () => {
    lock = there.createQueryRunner();
    await lock.query('SELECT 1');
  });
  afterEach(() => lock.release());

  /** Nothing that the cluster commits is applied there until `catchUp`. */
  const lag = () => lock.query('FLUSH TABLES WITH READ LOCK');
  const catchUp = () => lock.query('UNLOCK TABLES');
  const stores = async (patience = PATIENCE): Promise<[TypeOrmTokenRepository, TypeOrmTokenRepository]> => {
    const both = [new TypeOrmTokenRepository(here, { patience: PATIENCE }), new TypeOrmTokenRepository(there, { patience })] as const;
    for (const repository of both) await repository.check();
    return [...both];
  };

  it('finds, rotates and ends there the sessions that were opened here, and sees what was revoked here (F-50)', async () => {
    const [one, other] = await stores();
    const [found, rotated, ended, revoked] = [newSession(), newSession(), newSession(), newSession()];
    await lag();
    for (const session of [found, rotated, ended, revoked]) await one.insert(session);
    await one.revoke(revoked, 'logout');
    const rows = await there.query<unknown[]>('SELECT id FROM token_session WHERE id = ?', [found.id]);
    const verdicts = Promise.all([
      other.find(found),
      other.rotate(rotated, { generation: 0, branch: 0 }, { settleMs: null, idleMs: 1e9, limit: null }),
      other.revoke(ended, 'logout'),
      other.revokedSince('default', { withinMs: 60_000 }, 100),
    ]);
    await wait(LAG_MS);
    await catchUp();
    expect(rows).toEqual([]);
    expect((await verdicts)[0]?.session.id).toBe(found.id);
    expect((await verdicts)[1]?.session.generation).toBe(1);
    expect((await verdicts)[2]).toBe(true);
    expect((await verdicts)[3].sessions.map(({ id }) => id)).toContain(revoked.id);
  }, 120_000);

  it('gives no verdict while it lags for longer than the store is waited for (F-50)', async () => {
    const [one, other] = await stores({ timeoutMs: 2_000, lockTimeoutMs: 200 });
    const session = newSession();
    await lag();
    await one.insert(session);
    const verdict = await other.find(session).catch((error: unknown) => error);
    await catchUp();
    expect(verdict).toBeInstanceOf(Error);
    expect((await one.find(session))?.session.revokedAt).toBeNull();
  }, 120_000);

  it("is refused with the driver type 'mysql' until its connections wait (F-50)", async () => {
    const before = await cluster.connect(2, { type: 'mysql' });
    await expect(new TypeOrmTokenRepository(before).check()).rejects.toThrow(/wsrep_sync_wait = 0 gives old rows: use type: 'mariadb'/);
    await before.query('SET GLOBAL wsrep_sync_wait = 15');
    const after = await cluster.connect(2, { type: 'mysql' });
    await expect(new TypeOrmTokenRepository(after).check()).resolves.toBeUndefined();
    await after.query('SET GLOBAL wsrep_sync_wait = 0');
    await Promise.all([before.destroy(), after.destroy()]);
  }, 120_000);
});

function newSession(): NewSession {
  return { id: randomUUID(), realm: 'default', subject: 'alice', idleMs: 1e9, absoluteMs: 1e9, claims: {}, device: {} };
}
