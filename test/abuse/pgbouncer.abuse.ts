import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { PostgresRevocationPush } from 'nestjs-token/typeorm';
import type { DataSourceOptions } from 'typeorm';
import type { TestDatabase } from '../support/databases.js';
import { openDatabase } from '../support/databases.js';
import { PushedNode } from '../support/pushed-nodes.js';
import { until } from '../support/until.js';
import { describeWith } from '../support/needs.js';
import { PgBouncer } from './support/pgbouncer.js';

const describeHere = await describeWith('postgres', 'pgbouncer');

describeHere('PostgresRevocationPush behind PgBouncer in transaction mode', () => {
  let database: TestDatabase;
  let pooler: PgBouncer;
  const nodes: PushedNode[] = [];
  /** Other warnings are of TypeORM, which is told of two DataSources of one name. */
  const warnings: string[] = [];
  const listen = (message: unknown): void => {
    if (String(message).includes('push channel')) warnings.push(String(message));
  };
  beforeAll(async () => {
    database = await openDatabase('postgres');
    pooler = await PgBouncer.start();
  });
  beforeEach(() => {
    warnings.length = 0;
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(listen);
  });
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.close()));
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    await pooler.close();
    await database.drop();
  });

  const start = async (options: DataSourceOptions): Promise<PushedNode> => {
    const node = await PushedNode.start({ database: options, push: (source) => new PostgresRevocationPush(source), pollIntervalMs: 500 });
    nodes.push(node);
    return node;
  };
  /** The search path is not a parameter that a pooler passes on: the schema stands in the options. */
  const pooled = (): DataSourceOptions => ({ ...database.options, port: pooler.port, extra: {} }) as DataSourceOptions;

  it('says once in the log of each node that it hears nothing, and the poll goes on (F-52)', async () => {
    const [here, there] = [await start(pooled()), await start(pooled())];
    await until(() => warnings.length === 2);
    expect(warnings.filter((line) => line.startsWith('the push channel hears no notification'))).toHaveLength(2);
    const pair = await here.refresh.signIn('alice');
    await here.refresh.signOut(pair.refreshToken);
    await there.refusesWithin(2_000, pair);
  });

  it('says nothing when it reaches the server itself (F-52)', async () => {
    const [here, there] = [await start(database.options), await start(database.options)];
    const startedAt = performance.now();
    const pair = await here.refresh.signIn('alice');
    await here.refresh.signOut(pair.refreshToken);
    await there.refusesWithin(2_000, pair);
    await until(() => performance.now() - startedAt > 2_000);
    expect(warnings).toEqual([]);
  });
});
