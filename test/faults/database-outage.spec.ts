import { expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { TransportMode } from 'nestjs-token';
import { describeWith } from '../support/needs.js';
import type { Exchange } from './support/fault-client.js';
import { partsOf } from '../support/refresh-token.js';
import { exchange } from './support/exchange.js';
import { faultBeds, STORE_TIMEOUT } from './support/fault-bed.js';

const describePostgres = await describeWith('postgres');
const describeMariadb = await describeWith('mariadb');

/** What an answer may take beyond the store's own time, on a busy machine. */
const SLACK = 1_500;

describePostgres('a database outage: PostgreSQL', () => suite('postgres'));
describePostgres('a database outage: PostgreSQL, tokens in cookies (CK-06)', () => suite('postgres', 'cookie'));
describeMariadb('a database outage: MariaDB', () => suite('mariadb'));

function suite(engine: 'postgres' | 'mariadb', transport: TransportMode = 'header'): void {
  const open = faultBeds(transport);
  const statusesOf = (exchanges: readonly Exchange[]) => [...new Set(exchanges.map(({ status }) => status))];
  const slowestOf = (exchanges: readonly Exchange[]) => Math.max(...exchanges.map(({ sentAt, doneAt }) => doneAt - sentAt));

  it('R-01 database down: refreshes get 503 with Retry-After, valid access tokens pass, and the same tokens work afterwards', async () => {
    const bed = await open({ engine });
    const clients = await bed.signInAll(20);
    bed.proxy.set('down');
    const refreshes = await Promise.all(clients.flatMap((client) => [client.refresh(bed.node), client.refresh(bed.node)]));
    const visits = await Promise.all(clients.flatMap((client) => [client.visit(bed.node), client.both(bed.node), client.visit(bed.node)]));
    expect([statusesOf(refreshes), statusesOf(visits)]).toEqual([[503], [200]]);
    expect(slowestOf([...refreshes, ...visits])).toBeLessThan(STORE_TIMEOUT + SLACK);
    bed.proxy.set('pass');
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 30_000);

  it('R-02 database slow: 503 after the deadline, and the late commit of an abandoned attempt harms nobody', async () => {
    const bed = await open({ engine });
    const clients = await bed.signInAll(16);
    const [patient, abandoned] = [clients.slice(0, 8), clients.slice(8)];
    bed.proxy.delayMs = 80;
    expect(statusesOf(await Promise.all(patient.map((client) => client.refresh(bed.node))))).toEqual([200]);
    bed.proxy.delayMs = 1_500;
    const late = await Promise.all(abandoned.map((client) => client.refresh(bed.node)));
    expect([statusesOf(late), slowestOf(late) < STORE_TIMEOUT + SLACK]).toEqual([[503], true]);
    bed.proxy.delayMs = 0;
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 30_000);

  it('R-03 database hung: 503 within the deadline, and recovery without a restart when it goes on', async () => {
    const bed = await open({ engine });
    const clients = await bed.signInAll(30);
    bed.proxy.set('hold');
    const answers = await Promise.all(clients.map((client) => client.refresh(bed.node)));
    expect(statusesOf(answers)).toEqual([503]);
    expect(slowestOf(answers)).toBeLessThan(STORE_TIMEOUT + SLACK);
    expect(statusesOf(await Promise.all(clients.map((client) => client.visit(bed.node))))).toEqual([200]);
    bed.proxy.set('pass');
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 30_000);

  // Without a connect timeout, pg waits for ever for the greeting of a server that has gone silent, and its pool with it.
  it('R-03 connections black-holed for good: recovery on new connections, where the DataSource has a connect timeout', async () => {
    const connection = engine === 'postgres' ? { connectTimeoutMS: 2_000 } : { connectTimeout: 2_000 };
    const bed = await open({ engine, connection });
    const clients = await bed.signInAll(30);
    bed.proxy.set('dead');
    expect(statusesOf(await Promise.all(clients.map((client) => client.refresh(bed.node))))).toEqual([503]);
    bed.proxy.set('pass');
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 40_000);

  it('R-04 database restarted before the commit: connections are cut in the middle, and no verdict of reuse follows', async () => {
    const bed = await open({ engine });
    const clients = await bed.signInAll(10);
    bed.proxy.cutNext('before the statement', 5);
    const cut = await Promise.all(clients.map((client) => client.refresh(bed.node)));
    expect([bed.proxy.cutsLeft, cut.filter(({ status }) => status === 503).length]).toEqual([0, 5]);
    for (let round = 0; round < 5; round++) {
      const load = Promise.all(clients.map((client) => client.refresh(bed.node)));
      await bed.terminateBackends();
      expect((await load).map(({ status }) => status).filter((status) => status !== 200 && status !== 503)).toEqual([]);
      await bed.oracle.sample();
    }
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 30_000);

  it('R-05 connection cut after the commit: the answer is unknown, and the retry gives the one successor', async () => {
    const bed = await open({ engine });
    const clients = await bed.signInAll(25);
    for (const client of clients) {
      bed.proxy.cutNext('after its success');
      const unknown = await client.refresh(bed.node);
      const retry = await client.refresh(bed.node);
      expect([bed.proxy.cutsLeft, unknown.status, retry.status]).toEqual([0, 503, 200]);
      expect([partsOf(client.refreshToken).generation, (await bed.row(client)).generation]).toEqual([1, 1]);
    }
    expect((await bed.node.status()).outcomes).toMatchObject({ coalesced: 25 });
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 30_000);

  it('R-19 database away for longer than the polls: access tokens live on, refreshes wait, and revocations made meanwhile arrive', async () => {
    const bed = await open({ engine });
    const { port } = bed.database.options as { port: number };
    const elsewhere = await bed.start({ dataSource: { port } });
    const [alice, bob] = await bed.signInAll(2);
    bed.proxy.set('down');
    bed.oracle.ends(bob!.sessionId, { acknowledged: false });
    expect((await bob!.refresh(elsewhere, { path: '/logout', method: 'POST' })).status).toBe(204);
    await delay(1_500);
    expect([(await alice!.visit(bed.node)).status, (await bob!.hoarder().visit(bed.node)).status]).toEqual([200, 200]);
    expect([(await alice!.refresh(bed.node)).status, (await bob!.hoarder().refresh(bed.node)).status]).toEqual([503, 503]);
    bed.proxy.set('pass');
    bed.oracle.faultEnds();
    bed.oracle.ends(bob!.sessionId, { acknowledged: true });
    await bed.expectNothingLost([bed.node, elsewhere]);
  }, 30_000);

  it('R-25 database read-only: 503, and no token is minted that is not persisted', async () => {
    const bed = await open({ engine });
    const user = await bed.temporaryUser();
    const node = await bed.start({ dataSource: { username: user.name } });
    const clients = await bed.signInAll(5);
    await user.mayWrite(false);
    const answers = await Promise.all(clients.map((client) => client.refresh(node)));
    expect([statusesOf(answers), statusesOf(await Promise.all(clients.map((client) => client.visit(node))))]).toEqual([[503], [200]]);
    const signIn = await exchange({ port: node.port, path: '/login', method: 'POST', body: { subject: 'new' } });
    expect([signIn?.status, signIn?.headers.authorization, signIn?.headers['set-cookie']]).toEqual([503, undefined, undefined]);
    await user.mayWrite(true);
    bed.oracle.faultEnds();
    await bed.expectNothingLost([node]);
  }, 30_000);

  if (engine === 'postgres') {
    it('R-03 backends stopped: 503 within the deadline, and recovery when they go on', async () => {
      const bed = await open({ engine });
      const clients = await bed.signInAll(5);
      const backends = await bed.backends();
      for (const pid of backends) process.kill(pid, 'SIGSTOP');
      try {
        const answers = await Promise.all(clients.map((client) => client.refresh(bed.node)));
        expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 503)).toEqual([]);
        expect([answers.some(({ status }) => status === 503), slowestOf(answers) < STORE_TIMEOUT + SLACK]).toEqual([true, true]);
      } finally {
        for (const pid of backends) process.kill(pid, 'SIGCONT');
      }
      bed.oracle.faultEnds();
      await bed.expectNothingLost();
    }, 30_000);
  }
}
