import { expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { exchange } from '../faults/support/exchange.js';
import { faultBeds } from '../faults/support/fault-bed.js';
import { describeWith } from '../support/needs.js';

/** How long the process stands still: long enough for several polls to be missed. */
const FROZEN = 2_500;
const CLIENTS = 10;

const describeHere = await describeWith('postgres');

describeHere('a process that was frozen', () => {
  const open = faultBeds();

  it.each([
    ['express', 'header'],
    ['fastify', 'cookie'],
  ] as const)(
    'refuses revoked access tokens with its first responses on %s, transport %s (F-18)',
    async (adapter, transport) => {
      const options = { access: { lifetime: '5m' } };
      const bed = await open({
        engine: 'postgres',
        transport,
        nodes: [
          { adapter, options },
          { adapter, options },
        ],
      });
      const [frozen, awake] = [bed.nodes[0]!, bed.nodes[1]!];
      const clients = await bed.signInAll(CLIENTS);
      const honest = await bed.signIn('honest');
      for (const client of [...clients, honest]) expect((await client.visit(frozen)).status).toBe(200);

      frozen.signal('SIGSTOP');
      await delay(FROZEN);
      for (const client of clients) {
        bed.oracle.ends(client.sessionId, { acknowledged: false });
        const headers = client.headers('refresh', 'POST');
        const answer = await exchange({ port: awake.port, path: '/logout', method: 'POST', headers });
        expect(answer?.status).toBe(204);
        bed.oracle.ends(client.sessionId, { acknowledged: true });
      }
      // Sent while it stands still, so that these are the first that it sees.
      const [first, good] = [clients.map((client) => client.visit(frozen)), honest.visit(frozen)];
      await delay(200);
      frozen.signal('SIGCONT');

      expect((await Promise.all(first)).map(({ status, errorCode }) => [status, errorCode])).toEqual(
        clients.map(() => [401, 'token_revoked']),
      );
      expect((await good).status).toBe(200);
      await bed.expectNothingLost();
    },
    30_000,
  );
});
