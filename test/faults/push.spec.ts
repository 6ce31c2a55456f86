import { expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { describeWith, REDIS_PORT } from '../support/needs.js';
import { faultBeds } from './support/fault-bed.js';
import { until } from '../support/until.js';
import type { NetworkState } from './support/tcp-proxy.js';
import { TcpProxy } from './support/tcp-proxy.js';

const describePostgres = await describeWith('postgres');
const describeRedis = await describeWith('redis');

/** A revocation is seen by every process within this, milliseconds; a request takes its time too. */
const BOUND = 1_000;
const STATES: readonly NetworkState[] = ['pass', 'swallow', 'hold', 'down', 'pass', 'dead', 'pass', 'down'];
/** Enough to see that a sign-out by a cookie is pushed as any other. */
const SOME_STATES: readonly NetworkState[] = ['pass', 'hold', 'down'];

describePostgres('a push channel that cannot be trusted', () => {
  describeRedis('Redis', () => {
    const open = faultBeds();

    it.each([
      ['header', STATES],
      ['cookie', SOME_STATES],
    ] as const)(
      'R-18 Redis silent, hung, down, black-holed and flapping, tokens in the %s: every process sees each sign-out within a second, and no other session ends',
      async (transport, states) => {
        const redis = await TcpProxy.start(REDIS_PORT);
        const bed = await open({ engine: 'postgres', transport, nodes: Array.from({ length: 3 }, () => ({ redisPort: redis.port })) });
        bed.cleanUp.push(() => redis.close());
        await bed.signInAll(6, 'bystander');
        for (const state of states) {
          redis.set(state);
          await delay(100);
          const client = await bed.signIn(`leaver, ${state}`);
          bed.oracle.ends(client.sessionId, { acknowledged: false });
          expect((await client.refresh(bed.node, { path: '/logout', method: 'POST' })).status).toBe(204);
          const revokedAt = performance.now();
          const isRefused = async () =>
            (await Promise.all(bed.nodes.map((node) => client.hoarder().visit(node)))).every(({ status }) => status === 401);
          await until(isRefused);
          expect(performance.now() - revokedAt).toBeLessThan(BOUND);
          bed.oracle.ends(client.sessionId, { acknowledged: true });
        }
        redis.set('pass');
        bed.oracle.faultEnds();
        await bed.expectNothingLost();
      },
      30_000,
    );
  });
});
