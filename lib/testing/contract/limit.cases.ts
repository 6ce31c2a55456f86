import assert from 'node:assert/strict';
import { assertSame, DAY, FIRST, HOUR, simultaneously, type ContractCase } from './contract-store.js';

/** Contract of `rotate`: the rotation limit, which is judged and counted in the same statement. */
export const LIMIT_CASES: readonly ContractCase[] = [
  {
    title: 'rotate refuses the rotation after the last that the limit allows, and changes nothing',
    async run(store) {
      const limit = { max: 2, perMs: HOUR };
      const { session } = await store.signIn();
      const once = await store.rotated(session, FIRST, { limit });
      const twice = await store.rotated(session, once.session, { limit });
      assertSame([once.session.windowCount, twice.session.windowCount], [1, 2]);
      await store.unchanged(session, async () => assert.equal(await store.rotate(session, twice.session, { limit }), null));
    },
  },
  {
    title: 'rotate keeps the beginning of a window for as long as it counts in it',
    async run(store) {
      const limit = { max: 5, perMs: HOUR };
      const { session } = await store.signIn();
      const once = await store.rotated(session, FIRST, { limit });
      await store.elapse(1_000);
      const twice = await store.rotated(session, once.session, { limit });
      assertSame([twice.session.windowCount, twice.session.windowStartedAt], [2, once.session.windowStartedAt]);
    },
  },
  {
    title: 'rotate opens a new window, with this rotation as its first, at the instant at which the old one is over',
    run: (store) =>
      store.atBoundary({
        async arrange(perMs) {
          const limit = { max: 2, perMs };
          const { session } = await store.signIn({ idleMs: DAY });
          const once = await store.rotated(session, FIRST, { limit });
          return store.rotated(session, once.session, { limit });
        },
        async before({ session }, perMs) {
          assert.equal(await store.rotate(session, session, { limit: { max: 2, perMs } }), null);
        },
        async after({ session }, perMs) {
          const { session: after, at } = await store.rotated(session, session, { limit: { max: 2, perMs } });
          assertSame([after.windowCount, after.windowStartedAt], [1, at]);
        },
      }),
  },
  {
    title: 'rotate allows the full number in the new window as well',
    run: (store) =>
      store.atBoundary({
        arrange: async (perMs) => store.rotated((await store.signIn({ idleMs: DAY })).session, FIRST, { limit: { max: 1, perMs } }),
        before: async ({ session }, perMs) => assert.equal(await store.rotate(session, session, { limit: { max: 1, perMs } }), null),
        async after({ session }, perMs) {
          const again = await store.rotated(session, session, { limit: { max: 1, perMs } });
          assert.equal(await store.rotate(session, again.session, { limit: { max: 1, perMs: DAY } }), null);
        },
      }),
  },
  {
    title: 'rotate without a limit refuses nothing, however much has been counted',
    async run(store) {
      const { session } = await store.signIn();
      const once = await store.rotated(session, FIRST, { limit: { max: 1, perMs: HOUR } });
      assert.equal(await store.rotate(session, once.session, { limit: { max: 1, perMs: HOUR } }), null);
      assert.ok(await store.rotate(session, once.session, { limit: null }));
    },
  },
  {
    title: 'rotate counts the rotations of each session by themselves',
    async run(store) {
      const limit = { max: 1, perMs: HOUR };
      const [one, other] = await simultaneously(2, () => store.signIn());
      assert.ok(one && other);
      await store.rotated(one.session, FIRST, { limit });
      assert.equal((await store.rotated(other.session, FIRST, { limit })).session.windowCount, 1);
    },
  },
  {
    title: 'a recovery, healing or confirmation is not counted',
    async run(store) {
      const { session } = await store.rotated((await store.signIn()).session, FIRST, { limit: { max: 5, perMs: HOUR } });
      await store.elapse(1_000);
      const { session: after } = await store.advanced(session, session, {
        generation: 7,
        branch: 3,
        parentBranch: 0,
        idleMs: DAY,
        restartsGrace: true,
      });
      assertSame([after.windowCount, after.windowStartedAt], [session.windowCount, session.windowStartedAt]);
    },
  },
];
