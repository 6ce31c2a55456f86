import assert from 'node:assert/strict';
import { assertSame, DAY, FIRST, HOUR, SECOND, type ContractCase } from './contract-store.js';

/** Contract of an idle lifetime of a session's own. */
export const IDLE_LIFETIME_CASES: readonly ContractCase[] = [
  {
    title: 'a session has no idle lifetime of its own unless the sign-in gives one',
    async run(store) {
      assert.equal((await store.signIn()).session.ownIdleMs, null);
      const { session, at } = await store.signIn({ idleMs: HOUR, ownIdleMs: 40 * DAY, absoluteMs: 90 * DAY });
      assertSame([session.ownIdleMs, session.idleExpiresAt], [40 * DAY, at + 40 * DAY]);
      assertSame(await store.stored(session), session);
    },
  },
  {
    title: "rotate renews a session's own idle lifetime, whatever it is told for the others",
    async run(store) {
      const { session: first } = await store.signIn({ ownIdleMs: 2 * HOUR });
      await store.elapse(5 * SECOND);
      const { session, at } = await store.rotated(first, FIRST, { idleMs: DAY });
      assertSame([session.idleExpiresAt, session.ownIdleMs], [at + 2 * HOUR, 2 * HOUR]);
    },
  },
  {
    title: "advance renews a session's own idle lifetime, and leaves it alone when it is told null",
    async run(store) {
      const { session } = await store.signIn({ ownIdleMs: 2 * HOUR });
      await store.elapse(5 * SECOND);
      const kept = await store.advanced(session, FIRST, { ...FIRST, parentBranch: -1, idleMs: null, restartsGrace: true });
      assert.equal(kept.session.idleExpiresAt, session.idleExpiresAt);
      const { session: after, at } = await store.advanced(session, FIRST, {
        generation: 1,
        branch: 0,
        parentBranch: 0,
        idleMs: DAY,
        restartsGrace: true,
      });
      assert.equal(after.idleExpiresAt, at + 2 * HOUR);
    },
  },
  {
    title: 'rotate refuses a session from the end of its own idle lifetime on, and list leaves it out',
    run: (store) =>
      store.atBoundary({
        arrange: (ownIdleMs) => store.signIn({ subject: `own-${ownIdleMs}`, idleMs: DAY, ownIdleMs, absoluteMs: 2 * DAY }),
        before: async ({ session }) => assert.equal((await store.repository.list(session, { limit: 1 })).length, 1),
        async after({ session }) {
          assertSame(await store.repository.list(session, { limit: 1 }), []);
          assert.equal(await store.rotate(session, FIRST), null);
        },
      }),
  },
];
