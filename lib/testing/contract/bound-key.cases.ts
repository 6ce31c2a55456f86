import assert from 'node:assert/strict';
import { assertSame, DAY, FIRST, simultaneously, type ContractCase } from './contract-store.js';

const KEY = 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs';
/** Differs in the case of one letter. */
const OTHER_KEY = 'nzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs';
const LONG_KEY = `{"e":"AQAB","kty":"RSA","n":"${'aZ-_'.repeat(240)}"}`;
const ONWARDS = { generation: 4, branch: 0, parentBranch: 0, idleMs: DAY, restartsGrace: true } as const;

/** Contract of `bind`, of a key that a sign-in brings, and of the condition on the key. */
export const BOUND_KEY_CASES: readonly ContractCase[] = [
  {
    title: 'a session is bound to no key unless the sign-in brings one',
    async run(store) {
      assert.equal((await store.signIn()).session.boundKey, null);
      const { session } = await store.signIn({ boundKey: LONG_KEY });
      assert.equal(session.boundKey, LONG_KEY);
      assertSame(await store.stored(session), session);
    },
  },
  {
    title: 'bind sets the key of a session that has none, and nothing else',
    async run(store) {
      const { session } = await store.sessionAt({ generation: 3, branch: 2 }, 1);
      assert.equal(await store.repository.bind(session, KEY), true);
      assertSame(await store.stored(session), { ...session, boundKey: KEY });
    },
  },
  {
    title: 'bind never replaces a key, not even by the same one',
    async run(store) {
      for (const boundKey of [KEY, OTHER_KEY]) {
        const { session } = await store.signIn({ boundKey: KEY });
        await store.unchanged(session, async () => assert.equal(await store.repository.bind(session, boundKey), false));
      }
    },
  },
  {
    title: 'bind has exactly one winner among 32 simultaneous callers',
    async run(store) {
      const { session } = await store.signIn();
      const bound = await simultaneously(32, (index) => store.again(() => store.repository.bind(session, `key-${index}`)));
      assert.equal(bound.filter(Boolean).length, 1);
      assert.equal((await store.stored(session)).boundKey, `key-${bound.indexOf(true)}`);
    },
  },
  {
    title: 'bind refuses revoked, expired and unknown sessions and those of other realms',
    async run(store) {
      const live = await store.signIn();
      for (const { session } of await store.endedSessions()) {
        await store.unchanged(session, async () => assert.equal(await store.repository.bind(session, KEY), false));
      }
      const elsewhere = store.key(live.session.id, store.otherRealm);
      await store.unchanged(live.session, async () => assert.equal(await store.repository.bind(elsewhere, KEY), false));
      assert.equal(await store.repository.bind(store.newSession(), KEY), false);
    },
  },
  {
    title: 'rotate of a bound session asks for its key to the letter, or for none where no condition is given',
    async run(store) {
      for (const [provenKey, passes] of [
        [undefined, true],
        [null, false],
        [KEY, true],
        [OTHER_KEY, false],
        [`${KEY} `, false],
      ] as const) {
        const { session } = await store.signIn({ boundKey: KEY });
        const rotated = await store.rotate(session, FIRST, { provenKey, limit: { max: 9, perMs: DAY } });
        assert.equal(rotated !== null, passes, String(provenKey));
        assertSame((await store.stored(session)).generation, passes ? 1 : 0);
      }
    },
  },
  {
    title: 'rotate of a session without a key passes whatever was proved, and binds nothing',
    async run(store) {
      for (const provenKey of [undefined, null, KEY]) {
        const { session } = await store.rotated((await store.signIn()).session, FIRST, { provenKey });
        assertSame([session.generation, session.boundKey], [1, null]);
      }
    },
  },
  {
    title: 'advance has the same condition on the key as rotate',
    async run(store) {
      for (const [boundKey, provenKey, passes] of [
        [KEY, undefined, true],
        [KEY, null, false],
        [KEY, KEY, true],
        [KEY, OTHER_KEY, false],
        [undefined, undefined, true],
        [undefined, null, true],
        [undefined, KEY, true],
      ] as const) {
        const { session } = await store.signIn({ boundKey });
        const advanced = await store.again(() => store.repository.advance(session, FIRST, { ...ONWARDS, provenKey }));
        assert.equal(advanced?.session.generation, passes ? 4 : undefined, `${boundKey} ${provenKey}`);
      }
    },
  },
  {
    title: 'bind and a rotation without proof that race it end in one of two orders: the session is bound, and nothing rotates afterwards',
    async run(store) {
      for (let round = 0; round < 10; round += 1) {
        const { session } = await store.signIn();
        const bind = (): Promise<unknown> => store.again(() => store.repository.bind(session, KEY));
        const rotate = (): Promise<unknown> => store.rotate(session, FIRST, { provenKey: null });
        await Promise.all(round % 2 === 0 ? [bind(), rotate()] : [rotate(), bind()]);
        const { boundKey, generation, branch } = await store.stored(session);
        assert.equal(boundKey, KEY);
        assert.equal(await store.rotate(session, { generation, branch }, { provenKey: null }), null);
      }
    },
  },
];
