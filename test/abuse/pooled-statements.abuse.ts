import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { NewSession } from 'nestjs-token';
import type { RepositorySettings } from 'nestjs-token/typeorm';
import { TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import type { TestDatabase } from '../support/databases.js';
import { openDatabase } from '../support/databases.js';
import { describeWith } from '../support/needs.js';
import { PgBouncer } from './support/pgbouncer.js';

const describeHere = await describeWith('postgres', 'pgbouncer');

const NODES = 3;
const SESSIONS = 48;
const ROTATIONS = 8;
/** So that statements of one client run on different connections of the server. */
const POOL = 'default_pool_size = 4';

describeHere('TypeOrmTokenRepository behind PgBouncer in transaction mode', () => {
  let database: TestDatabase;
  const poolers: PgBouncer[] = [];
  const sources: DataSource[] = [];
  const warnings: string[] = [];
  beforeAll(async () => void (database = await openDatabase('postgres')));
  beforeEach(() => {
    warnings.length = 0;
    jest.spyOn(Logger.prototype, 'warn').mockImplementation((message: unknown) => void warnings.push(String(message)));
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await Promise.all(sources.splice(0).map((source) => source.destroy()));
    await Promise.all(poolers.splice(0).map((pooler) => pooler.close()));
  });
  afterAll(() => database.drop());

  /** Nodes whose connections all go through one pooler. */
  const start = async (configuration: string[], settings: RepositorySettings = {}): Promise<TypeOrmTokenRepository[]> => {
    const pooler = await PgBouncer.start([POOL, ...configuration]);
    poolers.push(pooler);
    const nodes: TypeOrmTokenRepository[] = [];
    for (let count = 0; count < NODES; count += 1) {
      const options = { ...database.options, port: pooler.port, extra: {}, migrationsRun: false } as typeof database.options;
      const source = await new DataSource(options).initialize();
      sources.push(source);
      nodes.push(new TypeOrmTokenRepository(source, { patience: { timeoutMs: 20_000, lockTimeoutMs: 10_000 }, ...settings }));
    }
    return nodes;
  };

  it('loses nothing without prepared statements, and says nothing', async () => {
    const nodes = await start(withoutPreparation(), { preparedStatements: false });
    await expect(refreshAll(nodes)).resolves.toBeUndefined();
    expect(warnings).toEqual([]);
  });

  it('loses nothing where the pooler does not keep prepared statements: each node says so once and goes on without them', async () => {
    const nodes = await start(withoutPreparation());
    await expect(refreshAll(nodes)).resolves.toBeUndefined();
    expect(warnings.every((line) => line.includes('set preparedStatements: false'))).toBe(true);
    expect(warnings.length).toBeGreaterThan(0);
    expect(warnings.length).toBeLessThanOrEqual(NODES);
  });

  // PgBouncer knows prepared statements since version 1.21. Debian 12 has an older one, where there is nothing to keep.
  if (PgBouncer.knowsPreparedStatements) {
    it('keeps prepared statements with max_prepared_statements', async () => {
      const nodes = await start(['max_prepared_statements = 100']);
      await expect(refreshAll(nodes)).resolves.toBeUndefined();
      expect(warnings).toEqual([]);
    });
  }
});

/** Later versions keep prepared statements unless they are told not to. */
function withoutPreparation(): string[] {
  return PgBouncer.knowsPreparedStatements ? ['max_prepared_statements = 0'] : [];
}

/** Sessions that are refreshed at once, each time by another node. */
async function refreshAll(nodes: readonly TypeOrmTokenRepository[]): Promise<void> {
  const sessions = await Promise.all(
    Array.from({ length: SESSIONS }, async (_, index) => (await nodeOf(nodes, index).insert(newSession())).session),
  );
  await Promise.all(
    sessions.map(async (session, index) => {
      for (let generation = 0; generation < ROTATIONS; generation += 1) {
        const free = { settleMs: null, idleMs: 1e9, limit: null };
        const rotated = await nodeOf(nodes, index + generation).rotate(session, { generation, branch: 0 }, free);
        if (rotated?.session.generation !== generation + 1) throw new Error(`the session has not been rotated at ${generation}`);
        if (!(await nodeOf(nodes, index).find(session))) throw new Error('the session has not been found');
      }
    }),
  );
}

function nodeOf(nodes: readonly TypeOrmTokenRepository[], index: number): TypeOrmTokenRepository {
  const node = nodes[index % nodes.length];
  if (!node) throw new Error('there is no node');
  return node;
}

function newSession(): NewSession {
  return { id: randomUUID(), realm: 'default', subject: 'alice', idleMs: 1e9, absoluteMs: 1e9, claims: {}, device: {} };
}
