import { afterEach, expect, it } from '@jest/globals';
import type { TokenEvent, TokenModuleOptions } from 'nestjs-token';
import { SessionLimitReached, SystemClock } from 'nestjs-token';
import { TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import { ISSUER, SECRET } from '../support/app.js';
import type { TestDatabase } from '../support/databases.js';
import { describeOn, ENGINES, openDatabase } from '../support/databases.js';
import { composeInstance } from '../support/instance.js';
import { resolveTokenOptions } from '../support/lib.js';

/** The embedded PostgreSQL does one statement after the other. */
const PATIENCE = { timeoutMs: 20_000, lockTimeoutMs: 10_000 };

for (const engine of ENGINES) {
  const describeHere = await describeOn(engine);

  describeHere(`64 simultaneous sign-ins of one subject on ${engine}`, () => {
    let database: TestDatabase;
    afterEach(() => database.drop());

    async function node(sessions: TokenModuleOptions['sessions']) {
      database = await openDatabase(engine);
      const repository = new TypeOrmTokenRepository(database.dataSource, { patience: PATIENCE });
      const events: TokenEvent[] = [];
      const given = { issuer: ISSUER, secret: SECRET, storeTimeout: '30s', sessions, onEvent: (event: TokenEvent) => events.push(event) };
      const options = resolveTokenOptions(given as TokenModuleOptions, 'default');
      const { refresh, accessTokens } = composeInstance({ options, repository, clock: new SystemClock() });
      const live = async () => (await refresh.sessions('alice')).map(({ sessionId }) => sessionId).sort();
      return { refresh, accessTokens, events, live };
    }

    it('leave exactly sessions.max of them, and this node refuses the access tokens of all others at once', async () => {
      const { refresh, accessTokens, events, live } = await node({ max: 5 });
      const pairs = await Promise.all(Array.from({ length: 64 }, () => refresh.signIn('alice')));
      const kept = await live();
      expect(kept).toHaveLength(5);
      const verified = await Promise.allSettled(pairs.map(({ accessToken }) => accessTokens.verify(accessToken)));
      expect(
        pairs
          .filter((_, index) => verified[index]?.status === 'fulfilled')
          .map(({ sessionId }) => sessionId)
          .sort(),
      ).toEqual(kept);
      const ended = events.flatMap((event) => (event.type === 'revoked' && event.reason === 'limit' ? [event.sessionId] : []));
      expect([...new Set([...ended, ...kept])].sort()).toEqual(pairs.map(({ sessionId }) => sessionId).sort());
    });

    it("open exactly sessions.max with onLimit: 'refuse', and the others get session_limit and no session", async () => {
      const { refresh, live } = await node({ max: 5, onLimit: 'refuse' });
      const results = await Promise.allSettled(Array.from({ length: 64 }, () => refresh.signIn('alice')));
      const kept = await live();
      expect(kept).toHaveLength(5);
      const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.sessionId] : []));
      expect(opened.sort()).toEqual(kept);
      const refusals = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
      for (const refusal of refusals) expect(refusal).toBeInstanceOf(SessionLimitReached);
      await expect(refresh.signIn('alice')).rejects.toMatchObject({ errorCode: 'session_limit', max: 5 });
      expect(await live()).toEqual(kept);
    });
  });
}
