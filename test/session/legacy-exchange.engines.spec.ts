import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { TokenEvent } from 'nestjs-token';
import { describeOn, ENGINES } from '../support/databases.js';
import { openNodes } from '../support/nodes.js';
import type { TestStore } from '../support/stores.js';
import { openStore } from '../support/stores.js';

const STORMS = 25;

for (const engine of ENGINES) {
  const describeHere = await describeOn(engine);

  describeHere(`an old refresh token on ${engine}`, () => {
    let store: TestStore;
    beforeAll(async () => {
      store = await openStore(engine);
    }, 60_000);
    afterEach(() => store.clear());
    afterAll(() => store.close());

    /** Two nodes whose clocks are twelve hours apart, and what both of them have told and asked. */
    function bridge() {
      const events: TokenEvent['type'][] = [];
      const asked: string[] = [];
      const exchange = (token: string) => {
        asked.push(token);
        return { subject: 'alice', claims: { roles: ['admin'] }, data: { old: true } };
      };
      const onEvent = ({ type }: TokenEvent) => void events.push(type);
      return { nodes: openNodes(store.repository, { legacy: { until: '2031-01-01', exchange }, onEvent }), events, asked };
    }

    it('gets one session, however many presentations meet on two nodes', async () => {
      const { nodes, events, asked } = bridge();
      for (let storm = 0; storm < STORMS; storm++) {
        const token = randomBytes(32).toString('base64url');
        const rotations = await Promise.all(Array.from({ length: 20 }, (_, index) => nodes[index % 2]!.refresh.rotate(token)));
        expect(new Set(rotations.map(({ pair }) => pair.refreshToken)).size).toBe(1);
        expect(rotations.every(({ principal }) => principal.sub === 'alice')).toBe(true);
      }
      expect(await store.count()).toBe(STORMS);
      expect(events.filter((type) => type === 'exchanged')).toHaveLength(STORMS);
      expect(events.filter((type) => type === 'rotated')).toHaveLength(STORMS);
      expect(asked.length).toBeLessThanOrEqual(2 * STORMS);
    }, 60_000);

    it('does not live on if a sign-out meets its exchange', async () => {
      const { nodes } = bridge();
      for (let race = 0; race < STORMS; race++) {
        const token = randomBytes(32).toString('base64url');
        await Promise.all([nodes[0].refresh.rotate(token).catch(() => undefined), nodes[1].refresh.signOut(token)]);
        await expect(nodes[0].refresh.rotate(token)).rejects.toMatchObject({ errorCode: 'session_revoked' });
      }
      expect(await nodes[0].refresh.sessions('alice')).toEqual([]);
      expect(await store.count()).toBe(STORMS);
    }, 60_000);

    it('keeps what the hook has said, and no sign-in that is known', async () => {
      const { nodes } = bridge();
      const { principal } = await nodes[0].refresh.rotate('the-old-token');
      expect(principal).toMatchObject({ sub: 'alice', roles: ['admin'], auth_time: 0 });
      expect(await nodes[1].refresh.sessions('alice')).toEqual([expect.objectContaining({ authTime: 0, data: { old: true } })]);
    });
  });
}
