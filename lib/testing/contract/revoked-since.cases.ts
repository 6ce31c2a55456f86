import assert from 'node:assert/strict';
import type { RevokedFrom, RevokedSession } from '../../session/token-repository.js';
import { assertSame, DAY, HOUR, SECOND, simultaneously, type ContractCase, type ContractStore } from './contract-store.js';

const MANY = 1_000;

/** Contract of `revokedSince`. */
export const REVOKED_SINCE_CASES: readonly ContractCase[] = [
  {
    title: 'revokedSince lists the sessions of a realm that were revoked one by one or all together',
    async run(store) {
      const one = await store.signIn({ subject: 'bob' });
      const all = await simultaneously(2, () => store.signIn());
      const elsewhere = await store.signIn({ realm: store.otherRealm });
      await store.signIn({ subject: 'carol' });
      await store.repository.revoke(one.session, 'logout');
      await store.repository.revoke(elsewhere.session, 'logout');
      await store.repository.revokeAll(store.owner('alice'), 'admin');
      const expected = [one, ...all].map(({ session }) => session.id);
      assertSame((await idsSince(store, { withinMs: HOUR })).sort(), expected.sort());
    },
  },
  {
    title: 'revokedSince leaves out what was revoked longer ago',
    async run(store) {
      const { session } = await store.signIn({ idleMs: DAY });
      await store.repository.revoke(session, 'logout');
      await store.elapse(SECOND);
      assertSame(await idsSince(store, { withinMs: store.standsStill ? SECOND - 1 : 1 }), []);
      assertSame(await idsSince(store, { withinMs: store.standsStill ? SECOND : DAY }), [session.id]);
    },
  },
  {
    title: 'revokedSince lists a revoked session also when it has been rotated before or has expired since',
    async run(store) {
      const { session } = await store.signIn({ idleMs: 1, absoluteMs: DAY });
      await store.repository.revoke(session, 'user');
      await store.elapse(2);
      assertSame(await idsSince(store, { withinMs: HOUR }), [session.id]);
    },
  },
  {
    title: "revokedSince gives the instant of each revocation and that of its reading, both by the store's clock",
    async run(store) {
      const { session } = await store.signIn();
      await store.repository.revoke(session, 'logout');
      await store.elapse(5 * SECOND);
      const { revokedAt } = await store.stored(session);
      const page = await store.repository.revokedSince(store.realm, { withinMs: HOUR }, MANY);
      assertSame(page.sessions, [{ id: session.id, revokedAt }]);
      if (store.standsStill) assert.equal(page.at, Number(revokedAt) + 5 * SECOND);
      else assert.ok(Number.isSafeInteger(page.at) && Number(page.at) > Number(revokedAt));
    },
  },
  {
    title: 'revokedSince gives every session once, page by page, also where many were revoked in the same millisecond',
    async run(store) {
      await simultaneously(10, () => store.signIn());
      await store.repository.revokeAll(store.owner('alice'), 'admin');
      await store.elapse(SECOND);
      await simultaneously(3, () => store.signIn());
      await store.repository.revokeAll(store.owner('alice'), 'admin');
      const whole = await store.repository.revokedSince(store.realm, { withinMs: HOUR }, MANY);
      assert.equal(whole.sessions.length, 13);
      for (const limit of [1, 3, 10, 13]) assertSame(await inPages(store, limit), whole.sessions);
    },
  },
  {
    title: 'revokedSince lists the last revocation of the access tokens of a session that is open',
    async run(store) {
      const [{ session }, elsewhere] = [await store.signIn(), await store.signIn({ realm: store.otherRealm })];
      await store.signIn();
      for (const key of [session, elsewhere.session, session]) {
        await store.repository.update(key, { accessRevokedAt: 'now' });
        await store.elapse(SECOND);
      }
      const { accessRevokedAt } = await store.stored(session);
      const listed = { id: session.id, revokedAt: Number(accessRevokedAt), accessOnly: true } as const;
      assertSame((await store.repository.revokedSince(store.realm, { withinMs: HOUR }, MANY)).sessions, [listed]);
      assertSame((await store.repository.revokedSince(store.realm, listed, MANY)).sessions, []);
      const before = { revokedAt: listed.revokedAt, id: '' };
      assertSame((await store.repository.revokedSince(store.realm, before, MANY)).sessions, [listed]);
      assertSame(await idsSince(store, { withinMs: store.standsStill ? SECOND - 1 : 1 }), []);
    },
  },
  {
    title: 'revokedSince lists a session that has ended once, also if its access tokens were revoked before',
    async run(store) {
      const { session } = await store.signIn();
      await store.repository.update(session, { accessRevokedAt: 'now' });
      await store.repository.revoke(session, 'logout');
      const { revokedAt } = await store.stored(session);
      const { sessions } = await store.repository.revokedSince(store.realm, { withinMs: HOUR }, MANY);
      assertSame(sessions, [{ id: session.id, revokedAt }]);
    },
  },
  {
    title: 'revokedSince gives sessions that have ended and those that are open in one order, page by page',
    async run(store) {
      const sessions = await simultaneously(9, () => store.signIn());
      for (const [index, { session }] of sessions.entries()) {
        if (index % 3 === 0) await store.elapse(SECOND);
        if (index % 2 === 0) await store.repository.revoke(session, 'logout');
        else await store.repository.update(session, { accessRevokedAt: 'now' });
      }
      const whole = await store.repository.revokedSince(store.realm, { withinMs: HOUR }, MANY);
      assert.equal(whole.sessions.length, 9);
      const places = whole.sessions.map(({ id, revokedAt }) => `${revokedAt} ${id}`);
      assertSame([...places].sort(), places);
      assert.equal(whole.sessions.filter(({ accessOnly }) => accessOnly).length, 4);
      for (const limit of [1, 2, 4, 9]) assertSame(await inPages(store, limit), whole.sessions);
    },
  },
  {
    title: 'revokedSince begins with every session of an instant when it is given no id',
    async run(store) {
      await simultaneously(3, () => store.signIn());
      await store.repository.revokeAll(store.owner('alice'), 'admin');
      const { sessions } = await store.repository.revokedSince(store.realm, { withinMs: HOUR }, MANY);
      const earliest = sessions[0]?.revokedAt ?? 0;
      assertSame((await store.repository.revokedSince(store.realm, { revokedAt: earliest, id: '' }, MANY)).sessions, sessions);
      assertSame((await store.repository.revokedSince(store.realm, { revokedAt: earliest + HOUR, id: '' }, MANY)).sessions, []);
    },
  },
];

async function idsSince(store: ContractStore, from: RevokedFrom): Promise<string[]> {
  return (await store.repository.revokedSince(store.realm, from, MANY)).sessions.map(({ id }) => id);
}

/** All sessions, read by so many at a time. */
async function inPages(store: ContractStore, limit: number): Promise<readonly RevokedSession[]> {
  const all: RevokedSession[] = [];
  let from: RevokedFrom | undefined = { withinMs: HOUR };
  while (from) {
    const { sessions } = await store.repository.revokedSince(store.realm, from, limit);
    assert.ok(sessions.length <= limit);
    all.push(...sessions);
    from = sessions.length === limit ? sessions.at(-1) : undefined;
  }
  return all;
}
