import assert from 'node:assert/strict';
import type { SessionLimit } from '../../session/token-repository.js';
import { assertSame, DAY, FIRST, newId, SECOND, simultaneously, type ContractCase, type ContractStore } from './contract-store.js';

const PAGE = { limit: 1_000 };

/** Contract of `insert` with a limit. */
export const SESSION_LIMIT_CASES: readonly ContractCase[] = [
  {
    title: 'insert without a limit ends nothing, however many sessions there are',
    async run(store) {
      await inTurn(store, 3, { keep: null });
      const last = await store.repository.insert(store.newSession());
      assertSame(last.ended, []);
      assert.equal((await liveIds(store)).length, 4);
    },
  },
  {
    title: 'insert with a limit ends the sessions that were used longest ago, with the reason limit, and returns their ids',
    async run(store) {
      const [first, second, third] = (await inTurn(store, 3, { keep: null })) as [string, string, string];
      await store.rotated(store.key(first), FIRST);
      await store.elapse(SECOND);
      const { session, ended, at } = await store.repository.insert(store.newSession(), { keep: 2 });
      assertSame([...ended].sort(), [second, third].sort());
      assertSame(await liveIds(store), [session.id, first]);
      const over = await store.stored(store.key(second));
      assert.equal(over.revokeReason, 'limit');
      assert.ok(Number(over.revokedAt) >= at);
      assertSame({ ...(await store.stored(session)) }, { ...session });
    },
  },
  {
    title: 'insert with a limit ends nothing as long as there are no more sessions than that, the new one included',
    async run(store) {
      await inTurn(store, 2, { keep: null });
      assertSame((await store.repository.insert(store.newSession(), { keep: 3 })).ended, []);
      assert.equal((await store.repository.insert(store.newSession(), { keep: 3 })).ended.length, 1);
    },
  },
  {
    title: 'insert with a limit of one leaves the new session alone',
    async run(store) {
      const before = await inTurn(store, 3, { keep: null });
      const { session, ended } = await store.repository.insert(store.newSession(), { keep: 1 });
      assertSame([...ended].sort(), before.sort());
      assertSame(await liveIds(store), [session.id]);
    },
  },
  {
    title: 'insert with a limit ends the later ids of sessions that were last used at the same instant, as list sorts them',
    async run(store) {
      await simultaneously(6, () => store.signIn());
      await store.elapse(SECOND);
      const sorted = await liveIds(store);
      const { session, ended } = await store.repository.insert(store.newSession(), { keep: 4 });
      assertSame(await liveIds(store), [session.id, ...sorted.slice(0, 3)]);
      assertSame([...ended].sort(), sorted.slice(3).sort());
    },
  },
  {
    title: 'insert with a limit counts neither revoked nor expired sessions, and leaves them as they are',
    async run(store) {
      const expired = await store.signIn({ idleMs: 1, absoluteMs: DAY });
      const revoked = await store.signIn();
      await store.repository.revoke(revoked.session, 'logout');
      const [live] = await inTurn(store, 1, { keep: null });
      const { session, ended } = await store.repository.insert(store.newSession(), { keep: 2 });
      assertSame(ended, []);
      assertSame(await liveIds(store), [session.id, live]);
      assert.equal((await store.stored(expired.session)).revokedAt, null);
      assert.equal((await store.stored(revoked.session)).revokeReason, 'logout');
    },
  },
  {
    title: 'insert with a limit leaves other subjects and realms alone, also those that differ in case or spaces only',
    async run(store) {
      const others = await Promise.all(['Alice', 'alice ', 'alicé', 'bob'].map((subject) => store.signIn({ subject })));
      const elsewhere = await store.signIn({ realm: store.otherRealm });
      await store.elapse(SECOND);
      assertSame((await store.repository.insert(store.newSession(), { keep: 1 })).ended, []);
      for (const { session } of [...others, elsewhere]) assert.equal((await store.stored(session)).revokedAt, null);
    },
  },
  {
    title:
      'insert with a limit leaves exactly so many sessions of one subject alive after 64 simultaneous calls, and returns every id that ended',
    async run(store) {
      const inserted = await simultaneously(64, () => store.again(() => store.repository.insert(store.newSession(), { keep: 5 })));
      const alive = await liveIds(store);
      assert.equal(alive.length, 5);
      const ended = new Set(inserted.flatMap((one) => one.ended));
      assertSame([...ended, ...alive].sort(), inserted.map(({ session }) => session.id).sort());
    },
  },
  {
    title: 'insert with a limit works next to rotations of the same subject: never more sessions than that are left',
    async run(store) {
      const sessions = await simultaneously(5, () => store.signIn());
      await Promise.all([
        ...sessions.map(({ session }) => store.rotate(session, FIRST)),
        simultaneously(16, () => store.again(() => store.repository.insert(store.newSession(), { keep: 5 }))),
      ]);
      assert.ok((await liveIds(store)).length <= 5);
    },
  },
  {
    title: 'insert with a limit ends however many sessions are beyond it',
    async run(store) {
      for (let left = 20; left > 0; left -= 1) await simultaneously(52, () => store.signIn());
      await store.elapse(SECOND);
      const { session, ended } = await store.again(() => store.repository.insert(store.newSession(), { keep: 2 }));
      assert.equal(ended.length, 1_039);
      const alive = await liveIds(store);
      assertSame([alive.length, alive[0]], [2, session.id]);
    },
  },
  {
    title: 'insert that ends the newest ends the new session itself when there are enough, and returns its id',
    async run(store) {
      const before = await inTurn(store, 2, { keep: null });
      const room = await store.repository.insert(store.newSession(), { keep: 3, ends: 'newest' });
      assertSame(room.ended, []);
      await store.elapse(SECOND);
      const { session, ended } = await store.repository.insert(store.newSession(), { keep: 3, ends: 'newest' });
      assertSame(ended, [session.id]);
      assert.equal((await store.stored(session)).revokeReason, 'limit');
      assertSame((await liveIds(store)).sort(), [...before, room.session.id].sort());
    },
  },
  {
    title: 'insert that ends the newest lets exactly so many of 64 simultaneous calls in',
    async run(store) {
      const limit = { keep: 5, ends: 'newest' } as const;
      await simultaneously(64, () => store.again(() => store.repository.insert(store.newSession(), limit)));
      assert.equal((await liveIds(store)).length, 5);
    },
  },
];

/** Ids of sessions that were signed in one after the other. */
async function inTurn(store: ContractStore, count: number, limit: SessionLimit): Promise<string[]> {
  const ids: string[] = [];
  for (let left = count; left > 0; left -= 1) {
    const id = newId();
    await store.repository.insert(store.newSession({ id }), limit);
    await store.elapse(SECOND);
    ids.push(id);
  }
  return ids;
}

async function liveIds(store: ContractStore): Promise<string[]> {
  return (await store.repository.list(store.owner('alice'), PAGE)).map(({ id }) => id);
}
