import { expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultBed } from '../faults/support/fault-bed.js';
import { faultBeds, GRACE } from '../faults/support/fault-bed.js';
import { until } from '../support/until.js';
import type { Exchange } from '../faults/support/fault-client.js';
import { partsOf } from '../support/refresh-token.js';
import { describeWith } from '../support/needs.js';

/** Adapters, and how tokens travel. */
const CASES = [
  ['express', 'header'],
  ['fastify', 'header'],
  ['fastify', 'cookie'],
] as const;
/** What a hook may take by default, milliseconds. */
const HOOK_TIMEOUT = 5_000;
/** What a response may be late on a loaded machine, milliseconds. */
const SLACK = 1_500;

const describeHere = await describeWith('postgres');

const positionOf = (token: string): [number, number] => [partsOf(token).generation, partsOf(token).branch];

describeHere('a slow loadUser hook', () => {
  const open = faultBeds();

  it.each(CASES)(
    'takes the refresh token off a response that comes after half of the grace period, on %s, transport %s (F-03)',
    async (adapter, transport) => {
      const bed = await open({ engine: 'postgres', transport, nodes: [{ adapter, hooks: true }] });
      const client = await bed.signIn('alice');
      const first = client.refreshToken;
      await bed.node.order({ loadUserMs: 0.7 * GRACE });
      const { status, access, refresh } = await client.refresh(bed.node);
      expect([status, access !== undefined, refresh]).toEqual([200, true, undefined]);
      expect(await bed.row(client)).toMatchObject({ generation: 1, branch: 0 });
      await bed.node.order({ loadUserMs: 0 });
      await bed.age(client, GRACE);
      expect((await client.refresh(bed.node)).presented).toBe(first);
      expect(positionOf(client.refreshToken)).toEqual([1, 1]);
      await bed.expectNothingLost();
    },
    30_000,
  );

  it.each(CASES)(
    'never makes a client that keeps the last token it was sent look like a thief, on %s, transport %s (F-03)',
    async (adapter, transport) => {
      const bed = await open({
        engine: 'postgres',
        transport,
        nodes: [
          { adapter, hooks: true },
          { adapter, hooks: true },
        ],
      });
      const client = await bed.signIn('alice');
      const slow = client.copy();
      await bed.node.order({ hold: ['loadUser'] });
      const response = slow.refresh(bed.node);
      await until(async () => (await bed.node.status()).held === 1);
      expect(await bed.row(client)).toMatchObject({ generation: 1, branch: 0 });
      // The request takes so long that the client has sent others, and has refreshed twice.
      await bed.age(client, 1.5 * GRACE);
      await client.refresh(bed.nodes[1]!);
      await bed.age(client, 3 * GRACE);
      await client.refresh(bed.nodes[1]!);
      expect(positionOf(client.refreshToken)).toEqual([2, 0]);
      await delay(GRACE / 2 + 100);
      await bed.node.order({ hold: [] });
      expect((await response).status).toBe(200);
      client.refreshToken = (await response).refresh ?? client.refreshToken;
      await bed.age(client, 3 * GRACE);
      expect(await client.refresh(bed.nodes[1]!)).toMatchObject({ status: 200, errorCode: undefined });
      // The copy has nothing that the client has not: it is the same client.
      slow.refreshToken = client.refreshToken;
      await bed.expectNothingLost();
    },
    30_000,
  );
});

describeHere('a hook that hangs', () => {
  const open = faultBeds();

  /** Presents one token in a row of requests, each later than the one before. */
  const presentWhileItHangs = async (bed: FaultBed, timeout: number): Promise<Exchange[]> => {
    const client = await bed.signIn('alice');
    await bed.node.order({ loadUser: 'hangs' });
    const requests = [0, 0.3, 0.6, 0.9].map(async (share) => {
      await delay(share * timeout);
      return client.refresh(bed.node, { timeoutMs: timeout + 2 * SLACK });
    });
    const exchanges = await Promise.all(requests);
    await bed.node.order({ loadUser: 'works' });
    expect((await client.refresh(bed.node)).status).toBe(200);
    expect(positionOf(client.refreshToken)[0]).toBe(1);
    return exchanges;
  };

  it.each([
    ['express', 'header'],
    ['fastify', 'cookie'],
  ] as const)(
    'delays nobody by more than five seconds, and blocks no token, on %s, transport %s (F-05)',
    async (adapter, transport) => {
      const bed = await open({ engine: 'postgres', transport, nodes: [{ adapter, hooks: true }] });
      const exchanges = await presentWhileItHangs(bed, HOOK_TIMEOUT);
      expect(exchanges.map(({ status, errorCode }) => [status, errorCode])).toEqual(Array(4).fill([503, 'hook_timeout']));
      expect(Math.max(...exchanges.map(({ sentAt, doneAt }) => doneAt - sentAt))).toBeLessThan(HOOK_TIMEOUT + SLACK);
      await bed.expectNothingLost();
    },
    45_000,
  );

  it('delays nobody by more than hookTimeout (F-05)', async () => {
    const bed = await open({ engine: 'postgres', nodes: [{ hooks: true, options: { hookTimeout: '1s' } }] });
    const exchanges = await presentWhileItHangs(bed, 1_000);
    expect(exchanges.map(({ status, errorCode }) => [status, errorCode])).toEqual(Array(4).fill([503, 'hook_timeout']));
    expect(Math.max(...exchanges.map(({ sentAt, doneAt }) => doneAt - sentAt))).toBeLessThan(1_000 + SLACK);
    await bed.expectNothingLost();
  }, 45_000);

  it('delays no request with a good access token by more than hookTimeout (F-05)', async () => {
    const bed = await open({ engine: 'postgres', nodes: [{ hooks: true, options: { hookTimeout: '1s' } }] });
    const client = await bed.signIn('alice');
    await bed.node.order({ loadUser: 'hangs' });
    const { status, errorCode } = await client.visit(bed.node, { timeoutMs: 1_000 + 2 * SLACK });
    expect([status, errorCode]).toEqual([503, 'hook_timeout']);
    await bed.node.order({ loadUser: 'works' });
    expect((await client.visit(bed.node)).status).toBe(200);
    await bed.expectNothingLost();
  }, 45_000);

  it('may be the claims hook: the token works as soon as the hook does (F-05)', async () => {
    const bed = await open({ engine: 'postgres', nodes: [{ claimsHook: true, options: { hookTimeout: '1s' } }] });
    const client = await bed.signIn('alice');
    await bed.node.order({ claims: 'hangs' });
    const { status, errorCode } = await client.refresh(bed.node, { timeoutMs: 1_000 + 2 * SLACK });
    expect([status, errorCode]).toEqual([503, 'hook_timeout']);
    await bed.node.order({ claims: 'works' });
    expect((await client.refresh(bed.node)).status).toBe(200);
    await bed.expectNothingLost();
  }, 45_000);
});
