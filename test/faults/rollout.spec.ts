import { expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { TransportMode } from 'nestjs-token';
import { describeWith } from '../support/needs.js';
import { partsOf } from '../support/refresh-token.js';
import type { FaultBed } from './support/fault-bed.js';
import { faultBeds, GRACE } from './support/fault-bed.js';
import type { FaultClient } from './support/fault-client.js';
import { STAGES } from './support/key-stages.js';
import type { NodeProcess } from './support/node-process.js';

const describePostgres = await describeWith('postgres');
const describeMariadb = await describeWith('mariadb');

describePostgres('processes that come and go: PostgreSQL', () => suite('postgres'));
describePostgres('processes that come and go: PostgreSQL, tokens in cookies (CK-06)', () => suite('postgres', 'cookie'));
describeMariadb('processes that come and go: MariaDB', () => suite('mariadb'));

function suite(engine: 'postgres' | 'mariadb', transport: TransportMode = 'header'): void {
  const open = faultBeds(transport);

  /** Every client in turn on each of the processes, with both tokens; each round its refresh is due. */
  const walk = async (bed: FaultBed, { clients, nodes }: { clients: readonly FaultClient[]; nodes: readonly NodeProcess[] }) => {
    for (let round = 0; round < 3; round++) {
      for (const [index, client] of clients.entries()) {
        await bed.age(client, 3 * GRACE);
        expect(await client.refresh(nodes[(index + round) % nodes.length]!)).toMatchObject({ status: 200 });
        for (const node of nodes) expect([(await client.visit(node)).status, (await client.both(node)).status]).toEqual([200, 200]);
      }
      await bed.oracle.sample();
    }
  };

  it('R-22 keys rotated in two phases over four processes: no client is refused, and a retired key is', async () => {
    const bed = await open({ engine, nodes: STAGES.map((options) => ({ options })) });
    const [old, learns, signs, renewed] = bed.nodes as [NodeProcess, NodeProcess, NodeProcess, NodeProcess];
    const clients = await Promise.all([0, 1, 2, 3].map((index) => bed.signIn(`user-${index}`, old)));
    const laggard = await bed.signIn('laggard', old);
    // Only neighbouring stages run side by side.
    await walk(bed, { clients, nodes: [old, learns] });
    await walk(bed, { clients, nodes: [learns, signs] });
    // The old keys stay until the last client has been given a token of the new one.
    for (const client of clients) {
      await bed.age(client, 3 * GRACE);
      expect((await client.refresh(signs)).status).toBe(200);
    }
    await walk(bed, { clients, nodes: [signs, renewed] });
    expect(new Set(clients.map(({ refreshToken }) => partsOf(refreshToken).kid))).toEqual(new Set([2]));
    expect((await laggard.visit(renewed)).errorCode).toBe('token_invalid');
    expect((await laggard.both(signs)).status).toBe(200);
    expect((await laggard.refresh(signs)).status).toBe(200);
    await bed.expectNothingLost([signs, renewed]);
  }, 40_000);

  it.each(['express', 'fastify'] as const)(
    'R-23 graceful shutdown in the middle on %s: answers under way arrive, the process ends, others go on',
    async (adapter) => {
      const bed = await open({ engine, nodes: [{ adapter }, { adapter }] });
      const [leaving, staying] = bed.nodes as [NodeProcess, NodeProcess];
      const clients = await bed.signInAll(12);
      const slow = clients.slice(0, 6).map((client) => client.refresh(leaving, { path: '/slow?ms=700' }));
      await delay(400);
      const racing = clients.slice(6).map(async (client, index) => {
        await delay(index * 2);
        return client.refresh(leaving);
      });
      leaving.signal('SIGTERM');
      const signalledAt = performance.now();
      // They are later than half of the grace period, so they carry the new access token only.
      expect((await Promise.all(slow)).map(({ status, access }) => [status, access !== undefined])).toEqual(slow.map(() => [200, true]));
      // Too late for this process: no connection, or Fastify's farewell.
      const raced = (await Promise.all(racing)).filter(({ isFarewell }) => !isFarewell).map(({ status }) => status);
      expect(raced.filter((status) => status !== 200 && status !== null)).toEqual([]);
      expect(await leaving.ended).toBe('SIGTERM');
      expect(performance.now() - signalledAt).toBeLessThan(10_000);
      bed.oracle.faultEnds();
      await bed.expectNothingLost([staying]);
    },
    30_000,
  );

  it('R-24 processes killed one after the other under load: no session is stuck, nobody is signed out', async () => {
    const bed = await open({ engine, nodes: [{}, {}, {}, {}] });
    const clients = await bed.signInAll(12);
    let isOver = false;
    const load = clients.map(async (client, index) => {
      for (let turn = index; !isOver; turn++) {
        const target = bed.nodes[turn % bed.nodes.length]!;
        await client.refresh(target);
        await bed.age(client, 3 * GRACE);
      }
    });
    for (const victim of [1, 2, 3]) {
      await delay(250);
      bed.nodes[victim]!.signal('SIGKILL');
      await bed.oracle.sample();
    }
    isOver = true;
    await Promise.all(load);
    bed.oracle.faultEnds();
    await bed.expectNothingLost([bed.node]);
  }, 30_000);

  it('R-32 processes of this release and of the next on one table: a column more disturbs neither', async () => {
    const bed = await open({ engine });
    await bed.database.dataSource.query('ALTER TABLE token_session ADD colour varchar(16) NULL');
    bed.nodes.push(await bed.start({ release: 'next' }), await bed.start());
    const clients = await bed.signInAll(9);
    for (let round = 0; round < 3; round++) {
      for (const client of clients) {
        const answers = await Promise.all(bed.nodes.map((node) => client.refresh(node)));
        expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
        expect(new Set(answers.flatMap(({ refresh }) => refresh ?? [])).size).toBe(1);
        await bed.age(client, 3 * GRACE);
      }
    }
    bed.oracle.ends(clients[0]!.sessionId, { acknowledged: false });
    expect((await clients[0]!.refresh(bed.nodes[1]!, { path: '/logout', method: 'POST' })).status).toBe(204);
    bed.oracle.ends(clients[0]!.sessionId, { acknowledged: true });
    await bed.expectNothingLost();
  }, 30_000);
}
