import { expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { TransportMode } from 'nestjs-token';
import { describeWith } from '../support/needs.js';
import type { Exchange } from './support/fault-client.js';
import { exchange } from './support/exchange.js';
import type { FaultBed } from './support/fault-bed.js';
import { faultBeds, STORE_TIMEOUT } from './support/fault-bed.js';
import { raceLogouts } from './support/races.js';

const describePostgres = await describeWith('postgres');
const describeMariadb = await describeWith('mariadb');

/** What an answer may take beyond the store's own time, on a busy machine. */
const SLACK = 1_500;

/** How many times longer a request may take that shares its token with 39 others, compared with one that has a token of its own. */
const SHARE = 2;

/** Defaults of the database under which statements conflict that otherwise wait for each other. */
const ISOLATION = {
  postgres: ['repeatable read', 'serializable'],
  mariadb: ['REPEATABLE READ', 'READ COMMITTED', 'SERIALIZABLE'],
} as const;

describePostgres('contention: PostgreSQL', () => suite('postgres'));
describePostgres('contention: PostgreSQL, tokens in cookies (CK-06)', () => suite('postgres', 'cookie'));
describeMariadb('contention: MariaDB', () => suite('mariadb'));

function suite(engine: 'postgres' | 'mariadb', transport: TransportMode = 'header'): void {
  const open = faultBeds(transport);
  const statusesOf = (exchanges: readonly Exchange[]) => [...new Set(exchanges.map(({ status }) => status))];
  const spansOf = (exchanges: readonly Exchange[]) => exchanges.map(({ sentAt, doneAt }) => doneAt - sentAt).sort((a, b) => a - b);
  const rotationsOf = async ({ nodes }: FaultBed) => {
    const statuses = await Promise.all(nodes.map((node) => node.status()));
    return statuses.reduce((sum, { outcomes }) => sum + (outcomes['rotated'] ?? 0), 0);
  };

  /** One burst for each session, spread over all processes. */
  const burst = async (bed: FaultBed, { sessions, width }: { sessions: number; width: number }): Promise<Exchange[]> => {
    const clients = await bed.signInAll(sessions);
    const answers: Exchange[] = [];
    for (const client of clients) {
      const sent = Array.from({ length: width }, (_, index) => client.refresh(bed.nodes[index % bed.nodes.length]!));
      const received = await Promise.all(sent);
      expect(new Set(received.flatMap(({ refresh }) => refresh ?? [])).size).toBe(1);
      answers.push(...received);
    }
    return answers;
  };

  it.each([2, 10])(
    'R-07 %i requests with one token in one process: one rotation, and everybody gets the same successor',
    async (width) => {
      const bed = await open({ engine });
      expect(statusesOf(await burst(bed, { sessions: 5, width }))).toEqual([200]);
      expect(await rotationsOf(bed)).toBe(5);
      await bed.expectNothingLost();
    },
    30_000,
  );

  it('R-08 requests with one token in four processes: one rotation, one successor, nobody waits long for the others', async () => {
    const bed = await open({ engine, nodes: [{}, {}, {}, {}] });
    const [together, alone]: [Exchange[], Exchange[]] = [[], []];
    // In turns, so that both meet the same load of the machine.
    for (let turn = 0; turn < 5; turn++) {
      together.push(...(await burst(bed, { sessions: 1, width: 40 })));
      const clients = await bed.signInAll(40, `alone-${turn}`);
      alone.push(...(await Promise.all(clients.map((client, index) => client.refresh(bed.nodes[index % 4]!)))));
    }
    expect([statusesOf(together), statusesOf(alone)]).toEqual([[200], [200]]);
    expect(await rotationsOf(bed)).toBe(5 + alone.length);
    const slowest = (exchanges: readonly Exchange[]) => spansOf(exchanges)[Math.floor(exchanges.length * 0.99)] ?? 0;
    expect(slowest(together)).toBeLessThan(SHARE * slowest(alone));
    await bed.expectNothingLost();
  }, 30_000);

  it('R-12 logout races refresh, both orders: the session stays revoked, and what the loser was given dies', async () => {
    const bed = await open({ engine, nodes: [{}, {}] });
    const { refreshed, refused } = await raceLogouts(bed, 60);
    expect(refreshed + refused).toBe(60);
    expect(Math.min(refreshed, refused)).toBeGreaterThan(0);
    await bed.expectNothingLost();
  }, 60_000);

  it('R-15 lock held on a row: 503 for that session within the deadline, and a pool of five serves the others', async () => {
    const bed = await open({ engine, connection: { poolSize: 5 } });
    const [locked, ...others] = await bed.signInAll(21);
    const runner = bed.database.dataSource.createQueryRunner();
    await runner.startTransaction();
    await runner.query(`SELECT 1 FROM token_session WHERE id = '${locked!.sessionId}' FOR UPDATE`);
    const onLocked = Array.from({ length: 40 }, () => locked!.refresh(bed.node));
    const onOthers = others.flatMap((other) => [other.refresh(bed.node), other.visit(bed.node)]);
    const [refused, served] = [await Promise.all(onLocked), await Promise.all(onOthers)];
    expect([statusesOf(refused), statusesOf(served)]).toEqual([[503], [200]]);
    expect(spansOf(refused).at(-1)).toBeLessThan(STORE_TIMEOUT + SLACK);
    await runner.rollbackTransaction();
    await runner.release();
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 30_000);

  it('R-26 pool of one, and a handler that holds it: 503 in time for others, no deadlock with itself', async () => {
    const bed = await open({ engine, connection: { poolSize: 1 } });
    const [holder, other] = await bed.signInAll(2);
    const held = holder!.refresh(bed.node, { path: '/hold?ms=2500' });
    await delay(500);
    const refused = await other!.refresh(bed.node);
    expect([refused.status, refused.doneAt - refused.sentAt < STORE_TIMEOUT + SLACK, (await other!.visit(bed.node)).status]).toEqual([
      503,
      true,
      200,
    ]);
    expect((await held).status).toBe(200);
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 30_000);

  // What follows is between the store and its database: it knows nothing of how tokens travel.
  if (transport !== 'header') return;

  it.each(ISOLATION[engine])(
    'R-08 isolation %s as the default of the database: conflicts are tried again',
    async (isolation) => {
      const node = engine === 'mariadb' ? { sessionSql: `SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}` } : {};
      const settings = `-c default_transaction_isolation=${isolation.replace(' ', '\\ ')}`;
      const bed = await open({ engine, nodes: [node, node], ...(engine === 'postgres' && { settings }) });
      const answers = await burst(bed, { sessions: 10, width: 20 });
      expect([statusesOf(answers), await rotationsOf(bed)]).toEqual([[200], 10]);
      await bed.expectNothingLost();
    },
    30_000,
  );

  it('R-16 revoke-all meets refreshes of the same sessions: no deadlock is answered, and all of them end', async () => {
    const bed = await open({ engine, nodes: [{}, {}] });
    for (let round = 0; round < 8; round++) {
      const clients = [];
      for (let index = 0; index < 8; index++) clients.push(await bed.signIn(`crowd-${round}`, bed.nodes[index % 2]));
      for (const { sessionId } of clients) bed.oracle.ends(sessionId, { acknowledged: false });
      const revocation = (node: number) =>
        exchange({ port: bed.nodes[node]!.port, path: '/revoke-all', method: 'POST', body: { subject: `crowd-${round}` } });
      const refreshes = clients.map((client, index) => client.refresh(bed.nodes[index % 2]!));
      const revocations = await Promise.all([revocation(0), revocation(1)]);
      expect(revocations.map((answer) => answer?.status)).toEqual([204, 204]);
      for (const { sessionId } of clients) bed.oracle.ends(sessionId, { acknowledged: true });
      expect((await Promise.all(refreshes)).map(({ status }) => status).filter((status) => status !== 200 && status !== 401)).toEqual([]);
      await bed.oracle.sample();
    }
    await bed.expectNothingLost();
  }, 60_000);

  if (engine === 'postgres') {
    it('R-16 deadlock with another transaction: the statement that the server sacrifices is made again', async () => {
      // The server looks for deadlocks after a second: the bound on lock waits, a quarter of the grace, must be longer.
      const options = { access: { lifetime: '40s' }, refresh: { grace: '10s' }, storeTimeout: '5s' };
      const bed = await open({ engine, nodes: [{ options }] });
      const clients = [await bed.signIn('alice'), await bed.signIn('alice')];
      const runner = bed.database.dataSource.createQueryRunner();
      await runner.startTransaction();
      await runner.query(`SET LOCAL deadlock_timeout = '20s'`);
      // The order in which a scan finds them.
      const [first, last] = (await runner.query(`SELECT id FROM token_session ORDER BY ctid`)) as { id: string }[];
      await runner.query(`SELECT 1 FROM token_session WHERE id = '${last!.id}' FOR UPDATE`);
      for (const { sessionId } of clients) bed.oracle.ends(sessionId, { acknowledged: false });
      const revocation = exchange({ port: bed.node.port, path: '/revoke-all', method: 'POST', body: { subject: 'alice' } });
      await delay(300);
      await runner.query(`SELECT 1 FROM token_session WHERE id = '${first!.id}' FOR UPDATE`);
      await runner.commitTransaction();
      await runner.release();
      expect((await revocation)?.status).toBe(204);
      for (const { sessionId } of clients) bed.oracle.ends(sessionId, { acknowledged: true });
      bed.oracle.faultEnds();
      await bed.expectNothingLost();
    }, 30_000);
  } else {
    it('R-16 row changed since the snapshot (innodb_snapshot_isolation): the statement is made again', async () => {
      const bed = await open({ engine, nodes: [0, 1].map(() => ({ sessionSql: 'SET SESSION innodb_snapshot_isolation = ON' })) });
      expect(statusesOf(await burst(bed, { sessions: 10, width: 20 }))).toEqual([200]);
      expect(await rotationsOf(bed)).toBe(10);
      await bed.expectNothingLost();
    }, 30_000);
  }
}
