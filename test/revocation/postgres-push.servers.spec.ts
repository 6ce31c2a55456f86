import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import type { RevocationPush } from 'nestjs-token';
import { TokenOptionsError } from 'nestjs-token';
import { PostgresRevocationPush } from 'nestjs-token/typeorm';
import { setTimeout as delay } from 'node:timers/promises';
import type { DataSource, DataSourceOptions } from 'typeorm';
import type { TestDatabase } from '../support/databases.js';
import { openDatabase } from '../support/databases.js';
import { describeWith } from '../support/needs.js';
import { expectSteadyPolls, NO_POLLS, PushedNode } from '../support/pushed-nodes.js';
import { until } from '../support/until.js';
import { openSqlite } from '../support/sqlite.js';

const describeHere = await describeWith('postgres');

describeHere('PostgresRevocationPush', () => {
  let database: TestDatabase;
  let name = '';
  let nodes: PushedNode[] = [];
  beforeAll(async () => {
    database = await openDatabase('postgres');
    name = `push-${(database.options as { schema: string }).schema}`;
  });
  afterEach(async () => {
    await Promise.all(nodes.map((node) => node.close()));
    nodes = [];
  });
  afterAll(() => database.drop());

  /** Connections of this suite that listen, by what they did last. */
  const listening = async (): Promise<{ pid: number; channel: string }[]> =>
    database.dataSource.query(
      `SELECT pid, substring(query from 'nestjs_token_[0-9a-f]+') AS channel FROM pg_stat_activity
       WHERE application_name = $1 AND query ~ '^(LISTEN|SELECT pg_notify)' AND state = 'idle'`,
      [name],
    );

  const options = (): DataSourceOptions => ({ ...database.options, applicationName: name }) as DataSourceOptions;

  const start = async (
    count: number,
    { pollIntervalMs = NO_POLLS, push = (source: DataSource): RevocationPush => new PostgresRevocationPush(source) } = {},
  ) => {
    for (let n = 0; n < count; n++) nodes.push(await PushedNode.start({ database: options(), push, pollIntervalMs }));
    await until(async () => (await listening()).length === count);
    return nodes as [PushedNode, PushedNode];
  };

  const terminate = async (): Promise<void> => {
    for (const { pid } of await listening()) await database.dataSource.query('SELECT pg_terminate_backend($1)', [pid]);
  };

  it('shows a revocation to the other node without its regular poll', async () => {
    const [here, there] = await start(2);
    for (let n = 0; n < 5; n++) {
      const pair = await here.refresh.signIn('alice');
      expect(await there.refuses(pair)).toBe(false);
      await here.refresh.signOut(pair.refreshToken);
      await there.refusesWithin(450, pair);
    }
  });

  it('shows it as well when the URL of the DataSource holds the credentials', async () => {
    const { host, port, username, ...rest } = options() as unknown as Record<string, unknown>;
    const url = `postgres://${String(username)}:some%20password@${String(host)}:${String(port)}/test`;
    for (let n = 0; n < 2; n++) {
      nodes.push(
        await PushedNode.start({
          database: { ...rest, url } as unknown as DataSourceOptions,
          push: (source) => new PostgresRevocationPush(source),
          pollIntervalMs: NO_POLLS,
        }),
      );
    }
    await until(async () => (await listening()).length === 2);
    const pair = await nodes[0]!.refresh.signIn('alice');
    await nodes[0]!.refresh.signOut(pair.refreshToken);
    await nodes[1]!.refusesWithin(450, pair);
  });

  it('comes back after pg_terminate_backend, and then polls for what it has missed', async () => {
    const [here, there] = await start(2);
    const pair = await here.refresh.signIn('alice');
    await terminate();
    await here.refresh.signOut(pair.refreshToken);
    await there.refusesWithin(5_000, pair);
    await until(async () => (await listening()).length === 2);
    const next = await here.refresh.signIn('alice');
    await here.refresh.signOut(next.refreshToken);
    await there.refusesWithin(450, next);
  });

  it('R-18 leaves the bound of a second as it is while its connections are being terminated all the time', async () => {
    const [here, there] = await start(2, { pollIntervalMs: 500 });
    const work = { isOver: false };
    const terminating = (async () => {
      while (!work.isOver) {
        await terminate();
        await delay(5);
      }
    })();
    for (let n = 0; n < 3; n++) {
      const pair = await here.refresh.signIn('alice');
      await here.refresh.signOut(pair.refreshToken);
      await there.refusesWithin(1_000, pair);
    }
    work.isOver = true;
    await terminating;
  });

  it('R-18 leaves it as it is when nobody is told', async () => {
    class Mute extends PostgresRevocationPush {
      override async announce(): Promise<void> {}
    }
    const [here, there] = await start(2, { pollIntervalMs: 500, push: (source) => new Mute(source) });
    const pair = await here.refresh.signIn('alice');
    await here.refresh.signOut(pair.refreshToken);
    await there.refusesWithin(1_000, pair);
  });

  it('does not make a node poll more often than every 50 ms, however many hints come', async () => {
    const [here, there] = await start(2);
    const [{ channel } = { channel: '' }] = await listening();
    await expectSteadyPolls(there, here, async () => {
      const startedAt = performance.now();
      let sent = 0;
      while (sent < 5_000 || performance.now() - startedAt < 1_000) {
        // Equal messages of one transaction are folded into one: the payload makes them differ.
        await database.dataSource.query('SELECT pg_notify($1, n::text) FROM generate_series(1, 250) AS n', [channel]);
        sent += 250;
      }
    });
  });

  it('takes no connection of the pool and leaves none behind', async () => {
    const small = { ...options(), extra: { ...(options() as { extra?: object }).extra, max: 1 } } as DataSourceOptions;
    nodes.push(await PushedNode.start({ database: small, push: (source) => new PostgresRevocationPush(source), pollIntervalMs: NO_POLLS }));
    await until(async () => (await listening()).length === 1);
    await nodes[0]!.refresh.revokeAll('alice');
    await Promise.all(nodes.splice(0).map((node) => node.close()));
    await until(
      async () => (await database.dataSource.query('SELECT 1 FROM pg_stat_activity WHERE application_name = $1', [name])).length === 0,
    );
  });

  it('names its channel by a hash, whatever the realm is', async () => {
    const hints: string[] = [];
    const source = await openSource(options());
    const push = new PostgresRevocationPush(source);
    const realms = ['default', 'DEFAULT', 'x"; DROP TABLE token_session; --', 'é'.repeat(500), ''];
    for (const realm of realms) await push.listen(realm, () => void hints.push(realm));
    await until(() => hints.length === realms.length);
    hints.length = 0;
    for (const realm of realms) await push.announce(realm);
    await until(() => hints.length === realms.length);
    expect(hints).toEqual(realms);
    await push.close();
    await source.destroy();
  });

  it('rejects an announcement while it has no connection, and after it has been closed, as often as one likes', async () => {
    const source = await openSource(options());
    const push = new PostgresRevocationPush(source);
    await expect(push.announce('default')).rejects.toThrow('not connected');
    await push.listen('default', () => undefined);
    await push.close();
    await push.close();
    await expect(push.announce('default')).rejects.toThrow('not connected');
    await push.listen('default', () => undefined);
    await source.destroy();
  });

  it('refuses another engine', async () => {
    const source = await openSqlite();
    expect(() => new PostgresRevocationPush(source)).toThrow(TokenOptionsError);
    await source.destroy();
  });
});

async function openSource(options: DataSourceOptions): Promise<DataSource> {
  const { DataSource: Source } = await import('typeorm');
  return new Source({ ...options, migrationsRun: false }).initialize();
}
