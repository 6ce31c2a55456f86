import assert from 'node:assert/strict';
import { REVOKE_REASONS } from '../../session/token-session.js';
import { assertSame, FIRST, SECOND, simultaneously, type ContractCase } from './contract-store.js';

/** Contract of `revoke` and `revokeAll`. */
export const REVOKE_CASES: readonly ContractCase[] = [
  {
    title: "revoke ends a session, with any reason, at the instant of the store's own clock",
    async run(store) {
      for (const reason of REVOKE_REASONS) {
        const { session, at } = await store.signIn();
        await store.elapse(5 * SECOND);
        assert.equal(await store.repository.revoke(session, reason), true);
        const { revokedAt, revokeReason } = await store.stored(session);
        assert.equal(revokeReason, reason);
        if (store.standsStill) assert.equal(revokedAt, at + 5 * SECOND);
        else assert.ok(Number.isSafeInteger(revokedAt) && Number(revokedAt) > at);
      }
    },
  },
  {
    title: 'revoke changes nothing but the revocation',
    async run(store) {
      const { session } = await store.sessionAt({ generation: 4, branch: 2 }, 1);
      await store.repository.revoke(session, 'user');
      const { revokedAt, revokeReason } = await store.stored(session);
      assertSame(await store.stored(session), { ...session, revokedAt, revokeReason });
    },
  },
  {
    title: 'revoke is idempotent: the first reason and instant stay',
    async run(store) {
      const { session } = await store.signIn();
      await store.repository.revoke(session, 'logout');
      await store.elapse(5 * SECOND);
      await store.unchanged(session, async () => assert.equal(await store.repository.revoke(session, 'reuse'), false));
    },
  },
  {
    title: 'revoke with a position ends the session only if it stands exactly there',
    async run(store) {
      const { session } = await store.sessionAt({ generation: 3, branch: 2 }, 1);
      for (const only of [
        { generation: 3, branch: 1 },
        { generation: 3, branch: 3 },
        { generation: 2, branch: 2 },
        { generation: 4, branch: 2 },
      ]) {
        await store.unchanged(session, async () => assert.equal(await store.repository.revoke(session, 'reuse', { only }), false));
      }
      assert.equal(await store.repository.revoke(session, 'reuse', { only: { generation: 3, branch: 2 } }), true);
    },
  },
  {
    title: 'revoke with a subject ends only a session of that subject, to the letter',
    async run(store) {
      const { session } = await store.signIn({ subject: 'alice' });
      for (const subject of ['Alice', 'alice ', 'alicé', 'bob', '']) {
        await store.unchanged(session, async () => assert.equal(await store.repository.revoke(session, 'user', { subject }), false));
      }
      assert.equal(await store.repository.revoke(session, 'user', { subject: 'alice' }), true);
      assert.equal((await store.stored(session)).revokeReason, 'user');
    },
  },
  {
    title: 'revoke with a subject and a position asks for both',
    async run(store) {
      const { session } = await store.sessionAt({ generation: 3, branch: 2 }, 1);
      const only = { generation: 3, branch: 2 };
      for (const condition of [
        { subject: 'bob', only },
        { subject: 'alice', only: { generation: 3, branch: 1 } },
      ]) {
        await store.unchanged(session, async () => assert.equal(await store.repository.revoke(session, 'reuse', condition), false));
      }
      assert.equal(await store.repository.revoke(session, 'reuse', { subject: 'alice', only }), true);
    },
  },
  {
    title: 'revoke returns false for an unknown session',
    async run(store) {
      assert.equal(await store.repository.revoke(store.newSession(), 'logout'), false);
    },
  },
  {
    title: 'revoke returns false for a session of another realm and leaves it alone',
    async run(store) {
      const { session } = await store.signIn();
      const elsewhere = store.key(session.id, store.otherRealm);
      await store.unchanged(session, async () => assert.equal(await store.repository.revoke(elsewhere, 'logout'), false));
    },
  },
  {
    title: 'revoke tells exactly one of 32 simultaneous callers that it ended the session',
    async run(store) {
      const { session } = await store.signIn();
      const results = await simultaneously(32, () => store.again(() => store.repository.revoke(session, 'logout')));
      assert.equal(results.filter(Boolean).length, 1);
    },
  },
  {
    title: 'revoke wins over every rotation that races it: the session stays revoked',
    async run(store) {
      for (let round = 0; round < 20; round += 1) {
        const { session } = await store.signIn();
        const revoke = (): Promise<unknown> => store.again(() => store.repository.revoke(session, 'logout'));
        const rotate = (): Promise<unknown> => store.rotate(session, FIRST);
        await Promise.all(round % 2 === 0 ? [revoke(), rotate()] : [rotate(), revoke()]);
        const after = await store.stored(session);
        assert.equal(after.revokeReason, 'logout');
        assert.equal(await store.rotate(session, after), null);
      }
    },
  },
  {
    title: "revokeAll ends the subject's sessions and returns their ids",
    async run(store) {
      const ids = (await simultaneously(3, () => store.signIn())).map(({ session }) => session.id);
      assertSame([...(await store.repository.revokeAll(store.owner('alice'), 'password'))].sort(), [...ids].sort());
      for (const id of ids) assert.equal((await store.stored(store.key(id))).revokeReason, 'password');
    },
  },
  {
    title: 'revokeAll spares the session that it is told to',
    async run(store) {
      const [kept, ended] = await simultaneously(2, () => store.signIn());
      assert.ok(kept && ended);
      assertSame(await store.repository.revokeAll(store.owner('alice'), 'user', kept.session.id), [ended.session.id]);
      assert.equal((await store.stored(kept.session)).revokedAt, null);
    },
  },
  {
    title: 'revokeAll leaves sessions that are revoked already as they are, and does not return them',
    async run(store) {
      const { session } = await store.signIn();
      await store.repository.revoke(session, 'logout');
      await store.elapse(5 * SECOND);
      await store.unchanged(session, async () => assertSame(await store.repository.revokeAll(session, 'admin'), []));
    },
  },
  {
    title: 'revokeAll leaves other subjects alone, also those that differ in case, accents or spaces only',
    async run(store) {
      const others = ['Alice', 'alice ', ' alice', 'alicé', 'ali', 'alice%', 'alice\u0301'];
      const sessions = await Promise.all(others.map((subject) => store.signIn({ subject })));
      const { session } = await store.signIn({ subject: 'alice' });
      assertSame(await store.repository.revokeAll(store.owner('alice'), 'admin'), [session.id]);
      for (const other of sessions) assert.equal((await store.stored(other.session)).revokedAt, null);
    },
  },
  {
    title: 'revokeAll leaves the same subject of other realms alone',
    async run(store) {
      const { session } = await store.signIn({ realm: store.otherRealm });
      await store.unchanged(session, async () => assertSame(await store.repository.revokeAll(store.owner('alice'), 'admin'), []));
    },
  },
  {
    title: 'revokeAll returns every id to at least one of several simultaneous callers, and twice to none',
    async run(store) {
      const ids = (await simultaneously(8, () => store.signIn())).map(({ session }) => session.id);
      const returned = await simultaneously(8, () => store.again(() => store.repository.revokeAll(store.owner('alice'), 'admin')));
      assertSame([...new Set(returned.flat())].sort(), ids.sort());
      for (const one of returned) assert.equal(new Set(one).size, one.length);
    },
  },
];
