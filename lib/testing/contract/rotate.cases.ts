import assert from 'node:assert/strict';
import { assertSame, DAY, FIRST, HOUR, SECOND, type ContractCase } from './contract-store.js';

/** The columns are a signed 32-bit integer and a byte. */
const LAST_GENERATION = 2 ** 31 - 1;

/** Contract of `rotate` by one caller, but for the rotation limit. */
export const ROTATE_CASES: readonly ContractCase[] = [
  {
    title: 'rotate puts a session to the next generation, branch 0, with the presented branch as its parent',
    async run(store) {
      const { session: first } = await store.signIn();
      const { session } = await store.rotated(first, FIRST);
      assertSame([session.generation, session.branch, session.parentBranch], [1, 0, 0]);
      assertSame(await store.stored(first), session);
    },
  },
  {
    title: "rotate dates itself and the new idle lifetime by the store's own clock",
    async run(store) {
      const { session: first, at: signedInAt } = await store.signIn({ idleMs: HOUR });
      await store.elapse(10 * SECOND);
      const { session, at } = await store.rotated(first, FIRST, { idleMs: 2 * HOUR });
      const { rotatedAt, lastUsedAt, idleExpiresAt } = session;
      assertSame({ rotatedAt, lastUsedAt, idleExpiresAt }, { rotatedAt: at, lastUsedAt: at, idleExpiresAt: at + 2 * HOUR });
      if (store.standsStill) assert.equal(at, signedInAt + 10 * SECOND);
      else assert.ok(at > signedInAt);
    },
  },
  {
    title: 'rotate leaves who, what, since when and until when at the latest as they were',
    async run(store) {
      const { session: first } = await store.signIn({ claims: { a: [1] }, device: { label: 'l', ip: 'i', userAgent: 'u' } });
      await store.elapse(10 * SECOND);
      const { session } = await store.rotated(first, FIRST);
      const { id, realm, subject, createdAt, authTime, absoluteExpiresAt, revokedAt, revokeReason, claims, label, ip, userAgent, data } =
        first;
      const kept = {
        id,
        realm,
        subject,
        createdAt,
        authTime,
        absoluteExpiresAt,
        revokedAt,
        revokeReason,
        claims,
        label,
        ip,
        userAgent,
        data,
      };
      assertSame({ ...session, ...kept }, session);
    },
  },
  {
    title: 'rotate refuses any generation but the present one',
    async run(store) {
      const { session } = await store.sessionAt({ generation: 5, branch: 0 });
      for (const generation of [0, 4, 6, LAST_GENERATION - 1]) {
        await store.unchanged(session, async () => assert.equal(await store.rotate(session, { generation, branch: 0 }), null));
      }
    },
  },
  {
    title: 'rotate accepts the present branch and lower ones, and refuses the next higher one',
    async run(store) {
      for (const branch of [0, 1, 2]) {
        const { session } = await store.sessionAt({ generation: 1, branch: 2 });
        const after = await store.rotated(session, { generation: 1, branch });
        assertSame([after.session.generation, after.session.branch, after.session.parentBranch], [2, 0, branch]);
      }
      const { session } = await store.sessionAt({ generation: 1, branch: 2 });
      await store.unchanged(session, async () => assert.equal(await store.rotate(session, { generation: 1, branch: 3 }), null));
    },
  },
  {
    title: 'rotate knows branches up to 255',
    async run(store) {
      const { session } = await store.sessionAt({ generation: 1, branch: 255 }, 255);
      assert.equal(session.parentBranch, 255);
      const after = await store.rotated(session, { generation: 1, branch: 255 });
      assertSame([after.session.generation, after.session.branch, after.session.parentBranch], [2, 0, 255]);
    },
  },
  {
    title: 'rotate knows generations up to 2³¹ − 1',
    async run(store) {
      const { session } = await store.sessionAt({ generation: LAST_GENERATION - 1, branch: 0 });
      const after = await store.rotated(session, { generation: LAST_GENERATION - 1, branch: 0 });
      assert.equal(after.session.generation, LAST_GENERATION);
    },
  },
  {
    title: 'rotate refuses a revoked session',
    async run(store) {
      const { session } = await store.signIn();
      await store.repository.revoke(session, 'logout');
      await store.unchanged(session, async () => assert.equal(await store.rotate(session, FIRST), null));
    },
  },
  {
    title: 'rotate refuses a session from the instant of its idle expiry on',
    run: (store) =>
      store.atBoundary({
        arrange: (idleMs) => store.signIn({ idleMs, absoluteMs: 2 * DAY }),
        before: async ({ session }) => assert.ok(await store.rotate(session, FIRST)),
        after: async ({ session }) => assert.equal(await store.rotate(session, FIRST), null),
      }),
  },
  {
    title: 'rotate refuses a session from the instant of its absolute expiry on, however fresh its idle lifetime is',
    run: (store) =>
      store.atBoundary({
        arrange: (absoluteMs) => store.signIn({ idleMs: 2 * DAY, absoluteMs }),
        before: async ({ session }) => assert.ok(await store.rotate(session, session)),
        after: async ({ session }) => assert.equal(await store.rotate(session, session), null),
      }),
  },
  {
    title: 'rotate refuses a session until it has been settled for the whole span',
    run: (store) =>
      store.atBoundary({
        arrange: async () => store.rotated((await store.signIn({ idleMs: DAY })).session, FIRST),
        before: ({ session }, settleMs) =>
          store.unchanged(session, async () => assert.equal(await store.rotate(session, session, { settleMs }), null)),
        after: async ({ session }, settleMs) => assert.ok(await store.rotate(session, session, { settleMs })),
      }),
  },
  {
    title: 'rotate counts the settling span from a recovery or confirmation too',
    run: (store) =>
      store.atBoundary({
        arrange: () => store.sessionAt({ generation: 1, branch: 1 }, 0),
        before: async ({ session }, settleMs) => assert.equal(await store.rotate(session, session, { settleMs }), null),
        after: async ({ session }, settleMs) => assert.ok(await store.rotate(session, session, { settleMs })),
      }),
  },
  {
    title: 'rotate takes a session that was never rotated as settled',
    async run(store) {
      const { session } = await store.signIn();
      assert.ok(await store.rotate(session, FIRST, { settleMs: HOUR }));
    },
  },
  {
    title: 'rotate asks for no settling when the span is null (strict reuse detection)',
    async run(store) {
      const { session } = await store.signIn();
      const once = await store.rotated(session, FIRST, { settleMs: null });
      const twice = await store.rotated(session, once.session, { settleMs: null });
      assert.equal(twice.session.generation, 2);
    },
  },
  {
    title: 'rotate returns null for an unknown session',
    async run(store) {
      assert.equal(await store.rotate(store.newSession(), FIRST), null);
    },
  },
  {
    title: 'rotate returns null for a session of another realm and leaves it alone',
    async run(store) {
      const { session } = await store.signIn();
      await store.unchanged(session, async () => assert.equal(await store.rotate(store.key(session.id, store.otherRealm), FIRST), null));
    },
  },
  {
    title: 'rotate advances no session but the one that was asked for',
    async run(store) {
      const bystander = await store.signIn();
      const { session } = await store.signIn();
      await store.unchanged(bystander.session, () => store.rotated(session, FIRST));
    },
  },
];
