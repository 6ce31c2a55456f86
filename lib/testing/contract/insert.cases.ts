import assert from 'node:assert/strict';
import type { NewSession, TokenSession } from '../../session/token-session.js';
import { assertSame, DAY, FIRST, HOUR, simultaneously, type ContractCase, type ContractStore } from './contract-store.js';

const TEXTS = {
  unicode: 'Grüße, 登录已过期, 👩🏽‍🚀, \u202eRTL',
  quotes: `'; DROP TABLE sessions; -- "\\" \`%_? $1 :p @x`,
  newline: 'a\r\n\tb',
} as const;

const CLAIMS = {
  ...TEXTS,
  'key with "quotes" and ü': true,
  nested: { deep: { list: [1, 'two', null, [], {}, -0.5, 1e21] } },
  empty: {},
  none: null,
  digits: '9007199254740993',
  large: Number.MAX_SAFE_INTEGER,
};

const INSTANTS = [
  'rotatedAt',
  'createdAt',
  'lastUsedAt',
  'idleExpiresAt',
  'absoluteExpiresAt',
  'windowStartedAt',
  'authTime',
] as const satisfies readonly (keyof TokenSession)[];

/** Contract of `check`, `insert` and `find`. */
export const INSERT_CASES: readonly ContractCase[] = [
  {
    title: 'check accepts a store that is in order',
    run: (store) => store.repository.check(),
  },
  {
    title: 'insert starts a session at generation 0, branch 0, without a recoverable parent',
    async run(store) {
      const { session } = await store.signIn();
      const { generation, branch, parentBranch, rotatedAt, windowCount, accessRevokedAt, revokedAt, revokeReason } = session;
      assertSame(
        { generation, branch, parentBranch, rotatedAt, windowCount, accessRevokedAt, revokedAt, revokeReason },
        { ...FIRST, parentBranch: -1, rotatedAt: 0, windowCount: 0, accessRevokedAt: null, revokedAt: null, revokeReason: null },
      );
    },
  },
  {
    title: "insert dates a session by the store's own clock",
    async run(store) {
      const { session, at } = await store.signIn({ idleMs: HOUR, absoluteMs: DAY });
      const { createdAt, lastUsedAt, authTime, idleExpiresAt, absoluteExpiresAt } = session;
      assertSame(
        { createdAt, lastUsedAt, authTime, idleExpiresAt, absoluteExpiresAt },
        { createdAt: at, lastUsedAt: at, authTime: at, idleExpiresAt: at + HOUR, absoluteExpiresAt: at + DAY },
      );
    },
  },
  {
    title: 'insert never overwrites: a second session with the same id rejects and leaves the first as it was',
    async run(store) {
      const first = await store.signIn({ claims: { first: true } });
      await store.unchanged(first.session, () =>
        assert.rejects(store.signIn({ id: first.session.id, subject: 'mallory', claims: { first: false } })),
      );
    },
  },
  {
    title: 'insert lets exactly one of 32 simultaneous sessions with the same id in',
    async run(store) {
      const given = store.newSession();
      const inserted = await simultaneously(32, (index) => succeeds(store, { ...given, subject: `subject-${index}` }));
      assert.equal(inserted.filter(Boolean).length, 1);
      assert.equal((await store.stored(given)).subject, `subject-${inserted.indexOf(true)}`);
    },
  },
  {
    title: 'insert keeps claims as JSON keeps them, whatever characters they hold',
    async run(store) {
      const { session } = await store.signIn({ claims: CLAIMS });
      assertSame(session.claims, CLAIMS);
      assertSame((await store.stored(session)).claims, CLAIMS);
    },
  },
  {
    title: 'insert keeps the device, up to 255 characters of every text, and null for what was not told',
    async run(store) {
      const label = 'é👩'.repeat(85);
      const told = await store.signIn({ device: { label, ip: '2001:db8:1234:5678:9abc:def0:1234:5678', userAgent: TEXTS.quotes } });
      const { ip, userAgent } = told.session;
      assertSame(
        { label: told.session.label, ip, userAgent },
        { label, ip: '2001:db8:1234:5678:9abc:def0:1234:5678', userAgent: TEXTS.quotes },
      );
      const { session: untold } = await store.signIn();
      assertSame([untold.label, untold.ip, untold.userAgent, untold.data], [null, null, null, null]);
    },
  },
  {
    title: "insert keeps the application's own data as they are",
    async run(store) {
      const { session } = await store.signIn({ data: CLAIMS });
      assertSame([session.data, (await store.stored(session)).data], [CLAIMS, CLAIMS]);
      assertSame((await store.repository.list(session, { limit: 1 }))[0]?.data, CLAIMS);
    },
  },
  {
    title: 'find returns what insert returned',
    async run(store) {
      const { session } = await store.signIn({ subject: TEXTS.unicode, claims: CLAIMS, device: { label: TEXTS.newline } });
      assertSame(await store.stored(session), session);
    },
  },
  {
    title: 'find returns null for an unknown id',
    async run(store) {
      assert.equal(await store.repository.find(store.newSession()), null);
    },
  },
  {
    title: 'find returns null for a session of another realm',
    async run(store) {
      const { session } = await store.signIn();
      assert.equal(await store.repository.find(store.key(session.id, store.otherRealm)), null);
    },
  },
  {
    title: 'find still returns a session that is revoked or expired',
    async run(store) {
      const revoked = await store.signIn();
      const expired = await store.signIn({ idleMs: 1, absoluteMs: 2 });
      await store.repository.revoke(revoked.session, 'admin');
      await store.elapse(2);
      assert.equal((await store.stored(revoked.session)).revokeReason, 'admin');
      assert.equal((await store.stored(expired.session)).id, expired.session.id);
    },
  },
  {
    title: 'instants are 64-bit numbers in every snapshot',
    async run(store) {
      const inserted = await store.signIn({ absoluteMs: 3_650 * DAY });
      const rotated = await store.rotated(inserted.session, FIRST);
      const onwards = { ...rotated.session, branch: 1, idleMs: DAY, restartsGrace: true };
      const advanced = await store.advanced(rotated.session, rotated.session, onwards);
      const [listed] = await store.repository.list(inserted.session, { limit: 1 });
      for (const session of [inserted.session, rotated.session, advanced.session, listed, await store.stored(inserted.session)]) {
        for (const name of INSTANTS)
          assert.ok(Number.isSafeInteger(session?.[name]), `${name} is ${typeof session?.[name]} ${String(session?.[name])}`);
      }
      assert.ok(inserted.at > 2 ** 32 && Number.isSafeInteger(inserted.at));
      assert.equal(inserted.session.absoluteExpiresAt, inserted.at + 3_650 * DAY);
    },
  },
  {
    title: "find dates its snapshot by the store's own clock",
    async run(store) {
      const inserted = await store.signIn();
      await store.elapse(1_234);
      const found = await store.repository.find(inserted.session);
      const passed = (found?.at ?? 0) - inserted.at;
      if (store.standsStill) assert.equal(passed, 1_234);
      else assert.ok(passed > 0, `${passed} ms have passed`);
    },
  },
  {
    title: 'snapshots are copies: changing one, or the claims that were given, changes nothing in the store',
    async run(store) {
      const claims = { roles: ['user'] };
      const { session } = await store.signIn({ claims });
      claims.roles.push('given');
      (session.claims['roles'] as string[]).push('returned');
      ((await store.stored(session)).claims['roles'] as string[]).push('found');
      ((await store.repository.list(session, { limit: 1 }))[0]?.claims['roles'] as string[]).push('listed');
      assertSame((await store.stored(session)).claims, { roles: ['user'] });
    },
  },
];

async function succeeds(store: ContractStore, session: NewSession): Promise<boolean> {
  return store.signIn(session).then(
    () => true,
    () => false,
  );
}
