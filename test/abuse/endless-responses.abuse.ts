import { expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { FaultBed } from '../faults/support/fault-bed.js';
import { faultBeds, GRACE } from '../faults/support/fault-bed.js';
import { until } from '../support/until.js';
import type { FaultClient } from '../faults/support/fault-client.js';
import { partsOf } from '../support/refresh-token.js';
import { describeWith } from '../support/needs.js';
import { drippedBytes, sendHttp1 } from './support/pending-request.js';

/** Requests of each kind that stay open. */
const EACH = 10;
/** Timers of the library that a quiet process has. */
const FEW = 10;

const describeHere = await describeWith('postgres');

describeHere('requests that never end', () => {
  const open = faultBeds();

  it.each([
    ['express', 'header'],
    ['express', 'mixed'],
    ['fastify', 'header'],
    ['fastify', 'cookie'],
  ] as const)(
    'cost no timer and no write, and leave the session usable, on %s, transport %s (F-01)',
    async (adapter, transport) => {
      const bed = await open({ engine: 'postgres', transport, nodes: [{ adapter }] });
      const client = await bed.signIn('alice');
      await bed.node.order({ hold: ['handler'] });
      const requests = sendAll(bed, client);
      await until(async () => (await bed.node.status()).open === requests.length);
      await until(async () => (await bed.row(client)).generation === 1);
      await delay(GRACE);
      const before = await bed.node.status();
      await bed.age(client, 3 * GRACE);
      const { rotatedAt } = await bed.row(client);
      await delay(GRACE);

      const { calls, timers, open: stillOpen } = await bed.node.status();
      expect([stillOpen, calls.advance, (await bed.row(client)).rotatedAt]).toEqual([requests.length, before.calls.advance, rotatedAt]);
      expect([Object.values(timers).reduce((sum, count) => sum + count, 0) < FEW, timers]).toEqual([true, timers]);
      // A response that had begun at once may have brought the first token; the client has read none of them.
      expect(await generationAfter(bed, client)).toBe(1);
      expect(partsOf(client.refreshToken).branch).toBeGreaterThan(0);
      for (const generation of [2, 3]) {
        await bed.age(client, 3 * GRACE);
        expect(await generationAfter(bed, client)).toBe(generation);
      }
      for (const request of requests) request.abort();
      await bed.node.order({ hold: [] });
      await bed.expectNothingLost();
    },
    30_000,
  );
});

/** Streams of events, handlers that do not return, and bodies that drip. */
function sendAll({ node: { port } }: FaultBed, client: FaultClient): { abort(): void }[] {
  const headers = client.headers('refresh');
  const send = [
    () => sendHttp1({ port, path: '/events', headers }),
    () => sendHttp1({ port, path: '/silence', headers }),
    () => sendHttp1({ port, path: '/held', headers }),
    () => sendHttp1({ port, path: '/held-file', headers }),
    () => drippedBytes({ port, path: '/drain', headers: client.headers('refresh', 'POST') }),
  ];
  return send.flatMap((one) => Array.from({ length: EACH }, one));
}

/** A response that is late on a loaded machine carries no refresh token: the same is handed out again at once. */
async function generationAfter(bed: FaultBed, client: FaultClient): Promise<number> {
  for (let tries = 0; tries < 3; tries += 1) {
    const { refresh } = await client.refresh(bed.node);
    if (refresh !== undefined) return partsOf(refresh).generation;
  }
  return NaN;
}
