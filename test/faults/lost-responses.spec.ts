import { afterEach, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { TransportMode } from 'nestjs-token';
import { describeWith } from '../support/needs.js';
import { partsOf } from '../support/refresh-token.js';
import type { FaultBed } from './support/fault-bed.js';
import { faultBeds, GRACE } from './support/fault-bed.js';
import { TcpProxy } from './support/tcp-proxy.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const describePostgres = await describeWith('postgres');
const describeMariadb = await describeWith('mariadb');

describePostgres('a lost answer: PostgreSQL', () => suite('postgres'));
describePostgres('a lost answer: PostgreSQL, tokens in cookies (CK-06)', () => suite('postgres', 'cookie'));
describeMariadb('a lost answer: MariaDB', () => suite('mariadb'));

function suite(engine: 'postgres' | 'mariadb', transport: TransportMode = 'header'): void {
  const open = faultBeds(transport);
  const networks: TcpProxy[] = [];
  afterEach(async () => {
    for (const network of networks.splice(0)) await network.close();
  });
  /** The network between the clients and the process. */
  const networkOf = async (bed: FaultBed): Promise<TcpProxy> => {
    const network = await TcpProxy.start(bed.node.port);
    networks.push(network);
    return network;
  };
  const generationOf = (token: string) => partsOf(token).generation;

  it('R-06 process killed before or after its rotation: retries after 0.1 s, 1 s, a minute and ten minutes get the one successor', async () => {
    const cases = [
      { moment: 'before', later: 0 },
      { moment: 'after', later: 100 },
      { moment: 'after', later: 1_000 },
      { moment: 'after', later: MINUTE },
      { moment: 'after', later: 10 * MINUTE },
    ] as const;
    const bed = await open({ engine, nodes: [{}, ...cases.map(() => ({}))] });
    for (const [index, { moment, later }] of cases.entries()) {
      const victim = bed.nodes[index + 1]!;
      const client = await bed.signIn(`${moment}-${later}`);
      await victim.order({ kill: { verb: 'rotate', moment } });
      expect((await client.refresh(victim)).status).toBeNull();
      expect([await victim.ended, (await bed.row(client)).generation]).toEqual(['SIGKILL', moment === 'after' ? 1 : 0]);
      if (later > 1_000) await bed.age(client, later);
      else await delay(later);
      expect([(await client.refresh(bed.node)).status, generationOf(client.refreshToken)]).toEqual([200, 1]);
    }
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 40_000);

  it('R-09 answer lost: retries within and after the grace get a successor of the same generation', async () => {
    const bed = await open({ engine });
    const network = await networkOf(bed);
    const client = await bed.signIn('alice');
    network.set('swallow');
    expect((await client.refresh(network, { timeoutMs: 300 })).status).toBeNull();
    const { rotatedAt } = await bed.row(client);
    expect((await client.refresh(network, { timeoutMs: 300 })).status).toBeNull();
    expect((await bed.row(client)).rotatedAt).toBe(rotatedAt);
    network.set('pass');
    await delay(GRACE);
    expect((await client.refresh(network)).status).toBe(200);
    expect([generationOf(client.refreshToken), (await bed.row(client)).generation]).toEqual([1, 1]);
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 30_000);

  it('R-10 answer lost, retried at the edge of a minute: accepted while the successor is unused, found as reuse once it has been used', async () => {
    const bed = await open({ engine });
    const network = await networkOf(bed);
    const [alice, bob, victim] = await bed.signInAll(3);
    network.set('swallow');
    for (const client of [alice!, bob!]) expect((await client.refresh(network, { timeoutMs: 300 })).status).toBeNull();
    await bed.age(alice!, MINUTE);
    await bed.age(bob!, MINUTE + 1_000);
    for (const client of [alice!, bob!]) expect((await client.refresh(bed.node)).status).toBe(200);
    const thief = victim!.copy();
    for (let refreshes = 0; refreshes < 2; refreshes++) {
      expect((await victim!.refresh(bed.node)).status).toBe(200);
      await bed.age(victim!, MINUTE);
    }
    bed.oracle.faultEnds();
    bed.oracle.ends(victim!.sessionId, { acknowledged: false });
    expect((await thief.refresh(bed.node)).errorCode).toBe('refresh_reused');
    bed.oracle.ends(victim!.sessionId, { acknowledged: true });
    await bed.expectNothingLost();
  }, 30_000);

  it('R-11 answer lost, retried after ten minutes, a day or three: accepted until the session is idle-expired', async () => {
    const bed = await open({ engine });
    const network = await networkOf(bed);
    const clients = await bed.signInAll(4);
    network.set('swallow');
    await Promise.all(clients.map((client) => client.refresh(network, { timeoutMs: 500 })));
    const statuses: (number | null)[] = [];
    for (const [index, ms] of [10 * MINUTE, DAY, 3 * DAY].entries()) {
      await bed.age(clients[index]!, ms);
      statuses.push((await clients[index]!.refresh(bed.node)).status);
    }
    expect(statuses).toEqual([200, 200, 200]);
    await bed.age(clients[3]!, 15 * DAY);
    bed.oracle.ends(clients[3]!.sessionId, { acknowledged: true });
    expect((await clients[3]!.refresh(bed.node)).errorCode).toBe('refresh_expired');
    // Expired, not revoked: its access token dies by itself.
    clients[3]!.access = '';
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 30_000);

  it('R-27 client gone while the guard rotates: as a lost answer', async () => {
    const bed = await open({ engine });
    const clients = await bed.signInAll(20);
    await Promise.all(clients.map((client, index) => client.refresh(bed.node, { timeoutMs: 1 + 2 * index })));
    await delay(200);
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 30_000);

  it('R-28 request delivered twice by a proxy: one rotation, one successor', async () => {
    const bed = await open({ engine });
    const network = await networkOf(bed);
    const clients = await bed.signInAll(20);
    network.twice = true;
    const answers = await Promise.all(clients.map((client) => client.refresh(network)));
    expect(answers.map(({ status }) => status)).toEqual(clients.map(() => 200));
    await delay(200);
    const { rotated, coalesced = 0, kept = 0 } = (await bed.node.status()).outcomes;
    expect([rotated, clients.map(({ refreshToken }) => generationOf(refreshToken))]).toEqual([20, clients.map(() => 1)]);
    expect(coalesced + kept).toBeLessThanOrEqual(20);
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 30_000);
}
