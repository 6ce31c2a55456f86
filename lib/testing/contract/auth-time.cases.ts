import { assertSame, FIRST, FREE, SECOND, type ContractCase } from './contract-store.js';

/** Contract of an instant of authentication that is not the sign-in. */
export const AUTH_TIME_CASES: readonly ContractCase[] = [
  {
    title: 'insert keeps the instant at which the user authenticated, if it is given, also if it is 0',
    async run(store) {
      for (const authTime of [0, 1_790_000_000_123]) {
        const { session, at } = await store.signIn({ authTime });
        assertSame([session.authTime, session.createdAt, session.lastUsedAt], [authTime, at, at]);
        assertSame(await store.stored(session), session);
      }
    },
  },
  {
    title: 'rotate leaves that instant alone',
    async run(store) {
      const { session: first } = await store.signIn({ authTime: 0 });
      await store.elapse(5 * SECOND);
      assertSame((await store.rotated(first, FIRST, FREE)).session.authTime, 0);
    },
  },
];
