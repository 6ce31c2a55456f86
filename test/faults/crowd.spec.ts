import { expect, it } from '@jest/globals';
import { describeWith } from '../support/needs.js';
import { TRANSPORTS } from '../support/token-store.js';
import { faultBeds } from './support/fault-bed.js';

const describePostgres = await describeWith('postgres');

describePostgres('a crowd of clients', () => {
  const open = faultBeds();

  it.each(TRANSPORTS)(
    'R-33 three hundred sessions refresh at once, tokens in the %s: 200 or 503 with Retry-After, and all are in within ten seconds',
    async (transport) => {
      const bed = await open({ engine: 'postgres', transport, connection: { poolSize: 5 }, nodes: [{}, {}] });
      const clients = await bed.signInAll(300);
      const answers = await Promise.all(clients.map((client, index) => client.refresh(bed.nodes[index % 2]!)));
      expect(answers.filter(({ status }) => status !== 200 && status !== 503)).toEqual([]);
      bed.oracle.faultEnds();
      await bed.expectNothingLost();
    },
    40_000,
  );

  it('R-33 lifetimes of access tokens are shortened at random, so that sign-ins of one instant do not refresh in one', async () => {
    const bed = await open({ engine: 'postgres', nodes: [{ options: { access: { lifetime: '10m' } } }] });
    const clients = await bed.signInAll(40);
    const lifetimes = clients.map(({ access }) => {
      const { exp, iat } = JSON.parse(Buffer.from(access!.split('.')[1]!, 'base64url').toString()) as { exp: number; iat: number };
      return exp - iat;
    });
    expect(new Set(lifetimes).size).toBeGreaterThan(10);
    expect([Math.min(...lifetimes) >= 539, Math.max(...lifetimes) <= 600]).toEqual([true, true]);
    await bed.expectNothingLost();
  }, 30_000);
});
