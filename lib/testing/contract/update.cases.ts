import assert from 'node:assert/strict';
import type { SessionPatch } from '../../session/token-repository.js';
import { assertSame, FIRST, HOUR, SECOND, type ContractCase } from './contract-store.js';

const DEVICE = { label: 'laptop', ip: '192.0.2.1', userAgent: 'Firefox' } as const;

/** Contract of `update`. */
export const UPDATE_CASES: readonly ContractCase[] = [
  {
    title: 'update changes what is given and nothing else',
    async run(store) {
      const patches: [SessionPatch, object][] = [
        [{ claims: { roles: ['admin'], text: `'"\\$1 ü 👩🏽‍🚀` } }, { claims: { roles: ['admin'], text: `'"\\$1 ü 👩🏽‍🚀` } }],
        [{ label: 'phone' }, { label: 'phone' }],
        [{ label: null }, { label: null }],
        [
          { ip: '2001:db8::1', userAgent: null },
          { ip: '2001:db8::1', userAgent: null },
        ],
        [
          { claims: {}, label: 'x', ip: null },
          { claims: {}, label: 'x', ip: null },
        ],
        [{}, {}],
      ];
      for (const [patch, changed] of patches) {
        const { session } = await store.rotated((await store.signIn({ device: DEVICE, claims: { a: 1 }, data: { b: 2 } })).session, FIRST);
        assert.equal(await store.repository.update(session, patch), true);
        assertSame(await store.stored(session), { ...session, ...changed });
      }
    },
  },
  {
    title: 'update leaves alone what is given as undefined',
    async run(store) {
      const { session } = await store.signIn({ device: DEVICE, claims: { a: 1 } });
      const patch = {
        claims: undefined,
        label: undefined,
        ip: undefined,
        userAgent: undefined,
        authTime: undefined,
        usedAgoMs: undefined,
        accessRevokedAt: undefined,
      };
      await store.unchanged(session, async () => assert.equal(await store.repository.update(session, patch), true));
    },
  },
  {
    title: "update dates authTime by the store's own clock",
    async run(store) {
      const { session, at } = await store.signIn();
      await store.elapse(5 * SECOND);
      await store.repository.update(session, { authTime: 'now' });
      const { authTime, ...rest } = await store.stored(session);
      assertSame({ ...rest, authTime: session.authTime }, session);
      if (store.standsStill) assert.equal(authTime, at + 5 * SECOND);
      else assert.ok(Number.isSafeInteger(authTime) && authTime > at);
    },
  },
  {
    title: "update dates a revocation of access tokens by the store's own clock, and leaves the session open",
    async run(store) {
      const { session, at } = await store.signIn();
      await store.elapse(5 * SECOND);
      assert.equal(await store.repository.update(session, { accessRevokedAt: 'now' }), true);
      const { accessRevokedAt, ...rest } = await store.stored(session);
      assertSame({ ...rest, accessRevokedAt: null }, session);
      if (store.standsStill) assert.equal(accessRevokedAt, at + 5 * SECOND);
      else assert.ok(Number.isSafeInteger(accessRevokedAt) && Number(accessRevokedAt) > at);
      assert.equal((await store.rotated(session, FIRST)).session.accessRevokedAt, accessRevokedAt);
    },
  },
  {
    title: 'update dates each revocation of access tokens later than the one before, however fast they follow each other',
    async run(store) {
      const { session } = await store.signIn();
      const instants: number[] = [];
      for (let left = 10; left > 0; left -= 1) {
        await store.repository.update(session, { accessRevokedAt: 'now', label: `turn ${left}` });
        instants.push(Number((await store.stored(session)).accessRevokedAt));
      }
      assertSame([...new Set(instants)].sort(), instants);
      assert.equal((await store.stored(session)).label, 'turn 1');
    },
  },
  {
    title: "update dates the last use by the store's own clock, and leaves the idle lifetime as it is",
    async run(store) {
      const { session, at } = await store.signIn();
      await store.elapse(5 * SECOND);
      await store.repository.update(session, { usedAgoMs: store.standsStill ? 2 * SECOND : 1 });
      const { lastUsedAt, ...rest } = await store.stored(session);
      assertSame({ ...rest, lastUsedAt: session.lastUsedAt }, session);
      if (store.standsStill) assert.equal(lastUsedAt, at + 3 * SECOND);
      else assert.ok(Number.isSafeInteger(lastUsedAt) && lastUsedAt > at);
    },
  },
  {
    title: 'update never moves the last use back, nor into the future',
    async run(store) {
      const { session } = await store.signIn();
      await store.unchanged(session, () => store.repository.update(session, { usedAgoMs: HOUR }));
      await store.elapse(5 * SECOND);
      await store.repository.update(session, { usedAgoMs: -HOUR });
      const found = await store.repository.find(session);
      assert.ok(found && found.session.lastUsedAt <= found.at);
    },
  },
  {
    title: 'update refuses revoked, expired and unknown sessions and those of other realms',
    async run(store) {
      const live = await store.signIn();
      for (const { session } of await store.endedSessions()) {
        for (const patch of [{ label: 'x' }, {}]) {
          await store.unchanged(session, async () => assert.equal(await store.repository.update(session, patch), false));
        }
      }
      const elsewhere = store.key(live.session.id, store.otherRealm);
      await store.unchanged(live.session, async () => assert.equal(await store.repository.update(elsewhere, { label: 'x' }), false));
      assert.equal(await store.repository.update(store.newSession(), { label: 'x' }), false);
    },
  },
  {
    title: 'update is seen by the next rotation, which it neither disturbs nor is disturbed by',
    async run(store) {
      const { session } = await store.signIn();
      const [rotated, hasUpdated] = await Promise.all([
        store.rotate(session, FIRST),
        store.again(() => store.repository.update(session, { claims: { b: 2 } })),
      ]);
      assertSame([rotated?.session.generation, hasUpdated], [1, true]);
      assertSame((await store.rotated(session, { generation: 1, branch: 0 })).session.claims, { b: 2 });
    },
  },
];
