import { expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { describeWith, REDIS_PORT } from '../support/needs.js';
import { faultBeds, until } from './support/fault-bed.js';
import type { NetworkState } from './support/tcp-proxy.js';
import { TcpProxy } from './support/tcp-proxy.js';

const describePostgres = await describeWith('postgres');
const describeRedis = await describeWith('redis');

/** A revocation is seen by every process within this, milliseconds; a request takes its time too. */
const BOUND = 1_000;
const STATES: readonly NetworkState[] = ['pass', 'swallow', 'hold', 'down', 'pass', 'dead', 'pass', 'down'];

describePostgres('a push channel that cannot be trusted', () => {
  describeRedis('Redis', () => {
    const open = faultBeds();

    it('R-18 Redis silent, hung, down, black-holed and flapping: every process sees each sign-out within a second, and no other session ends', async () => {
      const redis = await TcpProxy.start(REDIS_PORT);
      const bed = await open({ engine: 'postgres', nodes: Array.from({ length: 3 }, () => ({ redisPort: redis.port })) });
      bed.cleanUp.push(() => redis.close());
      await bed.signInAll(6, 'bystander');
      for (const state of STATES) {
        redis.set(state);
        await delay(100);
        const client = await bed.signIn(`leaver, ${state}`);
        bed.oracle.ends(client.sessionId, { acknowledged: false });
        expect((await client.refresh(bed.node, { path: '/logout', method: 'POST' })).status).toBe(204);
        const revokedAt = performance.now();
        const isRefused = async () =>
          (await Promise.all(bed.nodes.map((node) => client.visit(node)))).every(({ status }) => status === 401);
        await until(isRefused);
        expect(performance.now() - revokedAt).toBeLessThan(BOUND);
        bed.oracle.ends(client.sessionId, { acknowledged: true });
      }
      redis.set('pass');
      bed.oracle.faultEnds();
      await bed.expectNothingLost();
    }, 30_000);
  });
});
