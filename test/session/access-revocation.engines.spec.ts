import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { TokenPair } from 'nestjs-token';
import { SystemClock } from 'nestjs-token';
import { TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import { codeOf, decoded } from '../support/access-tokens.js';
import { ISSUER, SECRET } from '../support/app.js';
import type { TestDatabase } from '../support/databases.js';
import { describeOn, ENGINES, openDatabase } from '../support/databases.js';
import type { ComposedInstance } from '../support/instance.js';
import { composeInstance } from '../support/instance.js';
import { resolveTokenOptions } from '../support/lib.js';

for (const engine of ENGINES) {
  const describeHere = await describeOn(engine);

  describeHere(`revoked access tokens of two nodes over one database (${engine})`, () => {
    let database: TestDatabase;
    let nodes: [ComposedInstance, ComposedInstance];

    beforeEach(async () => {
      database = await openDatabase(engine);
      // Every refresh rotates, also right after another one.
      const given = { issuer: ISSUER, secret: SECRET, storeTimeout: '20s', refresh: { grace: '1ms', limit: false } } as const;
      const node = () =>
        composeInstance({
          options: resolveTokenOptions(given, 'default'),
          repository: new TypeOrmTokenRepository(database.dataSource, { patience: { timeoutMs: 20_000, lockTimeoutMs: 10_000 } }),
          clock: new SystemClock(),
        });
      nodes = [node(), node()];
      await Promise.all(nodes.map((one) => one.onModuleInit()));
    });
    afterEach(async () => {
      await Promise.all(nodes.map((one) => one.onModuleDestroy()));
      await database.drop();
    });

    /** Waits until a node refuses a token. */
    const refused = async ({ accessTokens }: ComposedInstance, { accessToken }: TokenPair): Promise<void> => {
      while ((await codeOf(() => accessTokens.verify(accessToken))) === 'none') await new Promise((resolve) => setTimeout(resolve, 10));
    };

    it('are refused by the other node within a second, and the session goes on', async () => {
      const [here, there] = nodes;
      const pair = await here.refresh.signIn('alice');
      expect(await codeOf(() => there.accessTokens.verify(pair.accessToken))).toBe('none');
      const since = performance.now();
      expect(await here.refresh.revokeAccess(pair.sessionId, { subject: 'alice' })).toBe(true);
      expect(await codeOf(() => here.accessTokens.verify(pair.accessToken))).toBe('token_expired');
      await refused(there, pair);
      expect(performance.now() - since).toBeLessThan(1_500);
      const { pair: next } = await there.refresh.rotate(pair.refreshToken);
      for (const { accessTokens } of nodes) expect(await codeOf(() => accessTokens.verify(next.accessToken))).toBe('none');
    });

    it('are exactly those with old claims, however refreshes and changes of the claims cross', async () => {
      const [here, there] = nodes;
      const first = await here.refresh.signIn('alice', { claims: { turn: 0 } });
      let { refreshToken } = first;
      for (let turn = 1; turn <= 12; turn += 1) {
        const [one, other, changed] = await Promise.all([
          here.refresh.rotate(refreshToken),
          there.refresh.rotate(refreshToken),
          (turn % 2 === 0 ? here : there).refresh.update(first.sessionId, { claims: { turn }, now: true }),
        ]);
        expect(changed).toBe(true);
        const last = await there.refresh.rotate(other.pair.refreshToken ?? one.pair.refreshToken ?? refreshToken);
        refreshToken = last.pair.refreshToken ?? other.pair.refreshToken ?? one.pair.refreshToken ?? refreshToken;
        for (const { pair } of [one, other, last]) {
          const claim = decoded(pair.accessToken).payload['turn'];
          if (claim !== turn) await Promise.all(nodes.map((node) => refused(node, pair)));
          else for (const { accessTokens } of nodes) expect(await codeOf(() => accessTokens.verify(pair.accessToken))).toBe('none');
        }
        expect(decoded(last.pair.accessToken).payload['turn']).toBe(turn);
      }
    });
  });
}
