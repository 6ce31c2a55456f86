import { describe, expect, it } from '@jest/globals';
import { describeWith } from '../support/needs.js';
import { partsOf } from '../support/refresh-token.js';
import { TRANSPORTS } from '../support/token-store.js';
import { faultBeds, STORE_TIMEOUT } from './support/fault-bed.js';

const describePostgres = await describeWith('postgres');

describePostgres("faults of the application's own hooks", () => {
  describe.each(TRANSPORTS)('tokens in the %s', suite);
});

function suite(transport: (typeof TRANSPORTS)[number]): void {
  const open = faultBeds(transport);

  it.each(['fails', 'hangs'] as const)(
    'R-29 event listener that %s: refreshes are answered as if it did not exist',
    async (onEvent) => {
      const bed = await open({ engine: 'postgres', nodes: [{ hooks: true }] });
      const clients = await bed.signInAll(10);
      await bed.node.order({ onEvent });
      const answers = await Promise.all(clients.map((client) => client.refresh(bed.node)));
      expect(answers.map(({ status }) => status)).toEqual(clients.map(() => 200));
      expect(Math.max(...answers.map(({ sentAt, doneAt }) => doneAt - sentAt))).toBeLessThan(STORE_TIMEOUT);
      bed.oracle.faultEnds();
      await bed.expectNothingLost();
    },
    30_000,
  );

  it('R-30 user loader down: 503, and the retry gets the successor of the rotation that was made', async () => {
    const bed = await open({ engine: 'postgres', nodes: [{ hooks: true }] });
    const clients = await bed.signInAll(10);
    await bed.node.order({ loadUser: 'is down' });
    for (const client of clients) {
      expect([(await client.refresh(bed.node)).status, (await client.visit(bed.node)).status]).toEqual([503, 503]);
    }
    await bed.node.order({ loadUser: 'works' });
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
    expect(clients.map(({ refreshToken }) => partsOf(refreshToken).generation)).toEqual(clients.map(() => 1));
  }, 30_000);

  it('R-30 user loader slow: the answer waits for it, and other sessions do not', async () => {
    const bed = await open({ engine: 'postgres', nodes: [{ hooks: true }, { hooks: true }] });
    const clients = await bed.signInAll(10);
    await bed.node.order({ loadUser: 'dawdles' });
    const slow = clients.slice(0, 5).map((client) => client.refresh(bed.node));
    const quick = await Promise.all(clients.slice(5).map((client) => client.refresh(bed.nodes[1]!)));
    expect([...quick, ...(await Promise.all(slow))].map(({ status }) => status)).toEqual(clients.map(() => 200));
    await bed.node.order({ loadUser: 'works' });
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 30_000);

  it('R-30 user loader broken: 500 hook_failed, and the retry gets the successor (F-33)', async () => {
    const bed = await open({ engine: 'postgres', nodes: [{ hooks: true }] });
    const clients = await bed.signInAll(10);
    await bed.node.order({ loadUser: 'fails' });
    for (const client of clients) {
      const answers = [await client.refresh(bed.node), await client.visit(bed.node)];
      expect(answers.map(({ status, errorCode }) => [status, errorCode])).toEqual(answers.map(() => [500, 'hook_failed']));
    }
    await bed.node.order({ loadUser: 'works' });
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
    expect(clients.map(({ refreshToken }) => partsOf(refreshToken).generation)).toEqual(clients.map(() => 1));
  }, 30_000);

  it('R-30 user loader that never answers: 503 hook_timeout for everybody who waits, and the next presentation starts anew (F-05)', async () => {
    const bed = await open({ engine: 'postgres', nodes: [{ hooks: true, options: { hookTimeout: '1s' } }] });
    const [client] = await bed.signInAll(1);
    await bed.node.order({ loadUser: 'hangs' });
    const answers = await Promise.all(Array.from({ length: 20 }, () => client!.refresh(bed.node)));
    expect(answers.map(({ status, errorCode }) => [status, errorCode])).toEqual(answers.map(() => [503, 'hook_timeout']));
    await bed.node.order({ loadUser: 'works' });
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 30_000);

  it('R-30 user loader says that the user is gone: user_rejected, and the session ends everywhere', async () => {
    const bed = await open({ engine: 'postgres', nodes: [{ hooks: true }, { hooks: true }] });
    const [gone] = await bed.signInAll(2);
    await bed.node.order({ loadUser: 'says no' });
    bed.oracle.ends(gone!.sessionId, { acknowledged: false });
    expect((await gone!.refresh(bed.node)).errorCode).toBe('user_rejected');
    bed.oracle.ends(gone!.sessionId, { acknowledged: true });
    await bed.node.order({ loadUser: 'works' });
    bed.oracle.faultEnds();
    await bed.expectNothingLost();
  }, 30_000);
}
