import assert from 'node:assert/strict';
import { assertSame, DAY, HOUR, SECOND, type ContractCase } from './contract-store.js';

const THERE = { generation: 3, branch: 2 } as const;
const ONWARDS = { generation: 3, branch: 3, parentBranch: 1, idleMs: null, restartsGrace: true } as const;

/** Contract of `advance`. */
export const ADVANCE_CASES: readonly ContractCase[] = [
  {
    title: 'advance puts a session to any position, with any recoverable parent or none',
    async run(store) {
      for (const to of [
        { generation: 3, branch: 3, parentBranch: 1 },
        { generation: 3, branch: 2, parentBranch: -1 },
        { generation: 9, branch: 0, parentBranch: 255 },
        { generation: 2 ** 31 - 1, branch: 255, parentBranch: 0 },
      ]) {
        const { session } = await store.sessionAt(THERE, 1);
        const { session: after } = await store.advanced(session, THERE, { ...to, idleMs: null, restartsGrace: true });
        assertSame({ generation: after.generation, branch: after.branch, parentBranch: after.parentBranch }, to);
        assertSame(await store.stored(session), after);
      }
    },
  },
  {
    title: 'advance leaves the recoverable parent as it is when it is told null',
    async run(store) {
      for (const parentBranch of [-1, 1]) {
        const { session } = await store.sessionAt(THERE, parentBranch);
        const { session: after } = await store.advanced(session, THERE, { ...ONWARDS, ...THERE, parentBranch: null });
        assert.equal(after.parentBranch, parentBranch);
      }
    },
  },
  {
    title: "advance sets rotatedAt by the store's own clock",
    async run(store) {
      const { session, at: before } = await store.sessionAt(THERE, 1);
      await store.elapse(5 * SECOND);
      const { session: after, at } = await store.advanced(session, THERE, ONWARDS);
      assert.equal(after.rotatedAt, at);
      if (store.standsStill) assert.equal(at, before + 5 * SECOND);
      else assert.ok(at > before);
    },
  },
  {
    title: 'advance leaves rotatedAt as it is when no new grace period is to begin, and still dates what it returns by the present',
    async run(store) {
      const { session, at: before } = await store.sessionAt(THERE, 1);
      await store.elapse(5 * SECOND);
      const to = { ...THERE, parentBranch: null, idleMs: 3 * HOUR, restartsGrace: false };
      const { session: after, at } = await store.advanced(session, THERE, to);
      assertSame(after, { ...session, lastUsedAt: at, idleExpiresAt: at + 3 * HOUR });
      assert.ok(at > before);
    },
  },
  {
    title: 'advance renews the idle lifetime and lastUsedAt when it is told a lifetime',
    async run(store) {
      const { session } = await store.sessionAt(THERE, 1);
      await store.elapse(5 * SECOND);
      const { session: after, at } = await store.advanced(session, THERE, { ...ONWARDS, idleMs: 3 * HOUR });
      assertSame([after.lastUsedAt, after.idleExpiresAt], [at, at + 3 * HOUR]);
    },
  },
  {
    title: 'advance leaves the idle lifetime and lastUsedAt alone when it is told null',
    async run(store) {
      const { session } = await store.sessionAt(THERE, 1);
      await store.elapse(5 * SECOND);
      const { session: after } = await store.advanced(session, THERE, ONWARDS);
      assertSame([after.lastUsedAt, after.idleExpiresAt], [session.lastUsedAt, session.idleExpiresAt]);
    },
  },
  {
    title: 'advance leaves who, what, since when and until when at the latest as they were',
    async run(store) {
      const { session: first } = await store.signIn({ claims: { a: [1] }, device: { label: 'l', ip: 'i', userAgent: 'u' } });
      await store.elapse(5 * SECOND);
      const { session: after, at } = await store.advanced(first, first, { ...ONWARDS, idleMs: DAY });
      const changed = { ...THERE, branch: 3, parentBranch: 1, rotatedAt: at, lastUsedAt: at, idleExpiresAt: at + DAY };
      assertSame(after, { ...first, ...changed });
    },
  },
  {
    title: 'advance refuses a session that stands anywhere but exactly at the given position',
    async run(store) {
      const { session } = await store.sessionAt(THERE, 1);
      for (const from of [
        { generation: 3, branch: 1 },
        { generation: 3, branch: 3 },
        { generation: 2, branch: 2 },
        { generation: 4, branch: 2 },
      ]) {
        await store.unchanged(session, async () => assert.equal(await store.repository.advance(session, from, ONWARDS), null));
      }
    },
  },
  {
    title: 'advance refuses a revoked session',
    async run(store) {
      const { session } = await store.sessionAt(THERE, 1);
      await store.repository.revoke(session, 'reuse');
      await store.unchanged(session, async () => assert.equal(await store.repository.advance(session, THERE, ONWARDS), null));
    },
  },
  {
    title: 'advance returns null for an unknown session',
    async run(store) {
      assert.equal(await store.repository.advance(store.newSession(), THERE, ONWARDS), null);
    },
  },
  {
    title: 'advance returns null for a session of another realm and leaves it alone',
    async run(store) {
      const { session } = await store.sessionAt(THERE, 1);
      const elsewhere = store.key(session.id, store.otherRealm);
      await store.unchanged(session, async () => assert.equal(await store.repository.advance(elsewhere, THERE, ONWARDS), null));
    },
  },
];
