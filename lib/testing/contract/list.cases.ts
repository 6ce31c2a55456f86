import assert from 'node:assert/strict';
import type { TokenSession } from '../../session/token-session.js';
import { assertSame, DAY, FIRST, HOUR, simultaneously, type ContractCase } from './contract-store.js';

const PAGE = { limit: 100 };

/** Contract of `list` and `purge`. */
export const LIST_CASES: readonly ContractCase[] = [
  {
    title: "list returns the subject's sessions, last used first",
    async run(store) {
      const ids: string[] = [];
      for (let count = 0; count < 3; count += 1) {
        ids.push((await store.signIn()).session.id);
        await store.elapse(1_000);
      }
      const [first, second, third] = ids as [string, string, string];
      await store.rotated(store.key(second), FIRST);
      assertSame(
        (await store.repository.list(store.owner('alice'), PAGE)).map(({ id }) => id),
        [second, third, first],
      );
    },
  },
  {
    title: 'list returns every session on exactly one page, in one order, also those last used at the same instant',
    async run(store) {
      await simultaneously(5, () => store.signIn());
      await store.elapse(1_000);
      await simultaneously(2, () => store.signIn());
      const owner = store.owner('alice');
      const whole = await store.repository.list(owner, PAGE);
      assert.equal(whole.length, 7);
      const sizes: number[] = [];
      const paged: TokenSession[] = [];
      for (let left = 9; left > 0 && sizes.at(-1) !== 0; left -= 1) {
        const page = await store.repository.list(owner, { limit: 2, after: paged.at(-1) });
        sizes.push(page.length);
        paged.push(...page);
      }
      assertSame(sizes, [2, 2, 2, 1, 0]);
      assertSame(paged, whole);
    },
  },
  {
    title: 'list returns no session twice that is used between two pages',
    async run(store) {
      const ids: string[] = [];
      for (let count = 0; count < 4; count += 1) {
        ids.unshift((await store.signIn()).session.id);
        await store.elapse(1_000);
      }
      const owner = store.owner('alice');
      const first = await store.repository.list(owner, { limit: 2 });
      for (const id of [ids[0], ids[3]] as string[]) await store.rotated(store.key(id), FIRST);
      const second = await store.repository.list(owner, { limit: 2, after: first[1] });
      assertSame(
        [...first, ...second].map(({ id }) => id),
        ids.slice(0, 3),
      );
    },
  },
  {
    title: 'list returns sessions as find does',
    async run(store) {
      const { session } = await store.sessionAt({ generation: 2, branch: 1 }, 0);
      assertSame(await store.repository.list(store.owner('alice'), PAGE), [await store.stored(session)]);
    },
  },
  {
    title: 'list leaves out revoked sessions',
    async run(store) {
      const [kept, revoked] = await simultaneously(2, () => store.signIn());
      assert.ok(kept && revoked);
      await store.repository.revoke(revoked.session, 'user');
      assertSame(
        (await store.repository.list(store.owner('alice'), PAGE)).map(({ id }) => id),
        [kept.session.id],
      );
    },
  },
  {
    title: 'list leaves out a session from the instant of its idle expiry on',
    run: (store) =>
      store.atBoundary({
        arrange: (idleMs) => store.signIn({ subject: `idle-${idleMs}`, idleMs, absoluteMs: 2 * DAY }),
        before: async ({ session }) => assert.ok((await store.repository.list(session, PAGE)).length > 0),
        after: async ({ session }) => assertSame(await store.repository.list(session, PAGE), []),
      }),
  },
  {
    title: 'list leaves out a session from the instant of its absolute expiry on',
    run: (store) =>
      store.atBoundary({
        arrange: (absoluteMs) => store.signIn({ subject: `absolute-${absoluteMs}`, idleMs: 2 * DAY, absoluteMs }),
        before: async ({ session }) => assert.ok((await store.repository.list(session, PAGE)).length > 0),
        after: async ({ session }) => assertSame(await store.repository.list(session, PAGE), []),
      }),
  },
  {
    title: 'list returns no sessions of other subjects or realms',
    async run(store) {
      await Promise.all(['Alice', 'alice ', 'alicé', 'bob'].map((subject) => store.signIn({ subject })));
      await store.signIn({ realm: store.otherRealm });
      assertSame(await store.repository.list(store.owner('alice'), PAGE), []);
      assert.equal((await store.repository.list(store.owner('bob'), PAGE)).length, 1);
    },
  },
  {
    title: 'purge deletes a session from the instant of its absolute expiry on, and none before',
    run: (store) =>
      store.atBoundary({
        arrange: async (absoluteMs) => {
          const realm = `${store.realm}-${absoluteMs}`;
          return (await store.signIn({ realm, absoluteMs })).session;
        },
        async before(session) {
          assert.equal(await store.repository.purge(session.realm, 10), 0);
          assert.ok(await store.repository.find(session));
        },
        async after(session) {
          // Where the clock can be moved, both sessions of this case share a span, and so a realm.
          assert.equal(await store.repository.purge(session.realm, 10), store.standsStill ? 2 : 1);
          assert.equal(await store.repository.find(session), null);
        },
      }),
  },
  {
    title: 'purge keeps revoked and idle-expired sessions until their absolute expiry: they are the evidence for reuse detection',
    async run(store) {
      const revoked = await store.signIn();
      const idle = await store.signIn({ idleMs: 1, absoluteMs: DAY });
      await store.repository.revoke(revoked.session, 'reuse');
      await store.elapse(HOUR);
      assert.equal(await store.repository.purge(store.realm, 10), 0);
      for (const { session } of [revoked, idle]) assert.equal((await store.stored(session)).id, session.id);
    },
  },
  {
    title: 'purge deletes at most so many at a time, and tells how many',
    async run(store) {
      await simultaneously(5, () => store.signIn({ idleMs: 1, absoluteMs: 1 }));
      const { session } = await store.signIn();
      await store.elapse(1);
      assert.equal(await store.repository.purge(store.realm, 3), 3);
      assert.equal(await store.repository.purge(store.realm, 3), 2);
      assert.equal(await store.repository.purge(store.realm, 3), 0);
      assert.equal((await store.stored(session)).id, session.id);
    },
  },
  {
    title: 'purge leaves other realms alone',
    async run(store) {
      const { session } = await store.signIn({ realm: store.otherRealm, idleMs: 1, absoluteMs: 1 });
      await store.elapse(1);
      assert.equal(await store.repository.purge(store.realm, 10), 0);
      assert.ok(await store.repository.find(session));
    },
  },
];
