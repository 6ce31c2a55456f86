import { describe, expect, it } from '@jest/globals';
import { describeWith } from '../support/needs.js';
import { TRANSPORTS } from '../support/token-store.js';
import { faultBeds, GRACE } from './support/fault-bed.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const describePostgres = await describeWith('postgres');

describePostgres('clocks of processes', () => {
  describe.each(TRANSPORTS)('tokens in the %s', suite);
});

function suite(transport: (typeof TRANSPORTS)[number]): void {
  const open = faultBeds(transport);

  it('R-13 clocks half a minute and five minutes apart: rotation goes by the database alone, one successor each time', async () => {
    const options = { access: { leeway: '32s' } };
    const skews = [0, 30 * SECOND, -30 * SECOND, 5 * MINUTE, -5 * MINUTE];
    const bed = await open({ engine: 'postgres', nodes: skews.map((skewMs) => ({ skewMs, options })) });
    const clients = await bed.signInAll(10);
    for (let round = 0; round < 3; round++) {
      for (const client of clients) {
        const answers = await Promise.all(bed.nodes.map((node) => client.refresh(node)));
        expect(answers.map(({ status }) => status)).toEqual(skews.map(() => 200));
        expect(new Set(answers.flatMap(({ refresh }) => refresh ?? [])).size).toBe(1);
        await bed.age(client, 3 * GRACE);
      }
      await bed.oracle.sample();
    }
    // Within the leeway the access tokens of each are good on all the others.
    const withinLeeway = bed.nodes.slice(0, 3);
    for (const issuer of withinLeeway) {
      await clients[0]!.refresh(issuer);
      for (const node of withinLeeway) expect((await clients[0]!.visit(node)).status).toBe(200);
    }
    const statuses = await Promise.all(bed.nodes.map((node) => node.status()));
    expect(statuses.reduce((sum, { outcomes }) => sum + (outcomes['rotated'] ?? 0), 0)).toBeGreaterThanOrEqual(30);
    await bed.expectNothingLost(withinLeeway);
  }, 30_000);

  it.each([HOUR, -HOUR])(
    'R-14 clock of a running process jumps by %i ms and back: nobody is signed out, no token outlives its time',
    async (skewMs) => {
      const bed = await open({ engine: 'postgres', nodes: [{}, {}] });
      const [jumping, right] = bed.nodes;
      const clients = await bed.signInAll(10);
      for (const client of clients) expect((await client.visit(jumping!)).status).toBe(200);
      await jumping!.order({ skewMs });
      const visits = await Promise.all(clients.map((client) => client.visit(jumping!)));
      expect(new Set(visits.map(({ errorCode }) => errorCode))).toEqual(new Set([skewMs > 0 ? 'token_expired' : 'token_not_yet_valid']));
      for (const client of clients) {
        expect((await client.refresh(jumping!)).status).toBe(200);
        expect((await client.visit(right!)).status).toBe(200);
      }
      await jumping!.order({ skewMs: 0 });
      bed.oracle.faultEnds();
      expect(new Set((await Promise.all(clients.map((client) => client.visit(jumping!)))).map(({ status }) => status))).toEqual(
        new Set([200]),
      );
      await bed.expectNothingLost();
    },
    30_000,
  );

  // A browser drops the cookie by itself, so that this would show nothing.
  if (transport === 'cookie') return;

  it('R-14 clock set back by a few seconds while a token is cached: it lives no longer than the clock and the leeway say', async () => {
    const options = { access: { lifetime: '4s', jitter: 0, leeway: '2s' } };
    const bed = await open({ engine: 'postgres', nodes: [{ options }] });
    const client = await bed.signIn('alice');
    expect((await client.visit(bed.node)).status).toBe(200);
    await bed.node.order({ skewMs: -2 * SECOND });
    const signedInAt = performance.now();
    let lastAt = signedInAt;
    for (let visit = await client.visit(bed.node); visit.status === 200; visit = await client.visit(bed.node)) {
      lastAt = visit.sentAt;
      expect(lastAt - signedInAt).toBeLessThan(20 * SECOND);
    }
    expect(lastAt - signedInAt).toBeLessThan(9 * SECOND);
    await bed.node.order({ skewMs: 0 });
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 40_000);
}
