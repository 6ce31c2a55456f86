import { afterEach, describe, expect, it } from '@jest/globals';
import { RefreshService } from 'nestjs-token';
import type { TestApp } from '../support/app.js';
import { ADAPTERS, bearing, expired, startApp } from '../support/app.js';
import { carrying, tokensOn, TRANSPORTS } from '../support/token-store.js';

describe.each(ADAPTERS)('JwtAuthGuard on %s', (adapter) => {
  let running: TestApp;
  afterEach(() => running.close());

  it('lets a good access token pass without touching the session', async () => {
    running = await startApp({ adapter });
    const pair = await running.app.get(RefreshService).signIn('alice', { claims: { roles: ['admin'] } });
    const answer = await running.call('/me', { headers: bearing(pair) });
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({ sub: 'alice', roles: ['admin'], sid: pair.sessionId });
    expect(answer.headers['x-refresh-token']).toBeUndefined();
    const again = await running.call('/me', { headers: bearing(pair) });
    expect(again.json()).toEqual(answer.json());
  });

  it('refuses a request without a token with a bare challenge', async () => {
    running = await startApp({ adapter });
    const answer = await running.call('/me');
    expect([answer.status, answer.headers['www-authenticate'], answer.json()]).toEqual([
      401,
      'Bearer',
      { statusCode: 401, message: 'access token is missing', error: 'Unauthorized', errorCode: 'token_missing' },
    ]);
  });

  it.each([...TRANSPORTS, 'mixed'] as const)(
    'refreshes an expired pair once for 200 parallel requests (transport %s)',
    async (transport) => {
      running = await startApp({ adapter, options: { transport } });
      const pair = expired(running.app, await running.app.get(RefreshService).signIn('alice'));
      const headers = carrying(transport, { access: pair.accessToken, refresh: pair.refreshToken });
      const answers = await Promise.all(Array.from({ length: 200 }, () => running.call('/me', { headers })));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
      const received = answers.map((answer) => tokensOn(transport, answer));
      expect([...new Set(received.map(({ refresh }) => refresh))]).toEqual([expect.stringMatching(/^ntr_/)]);
      expect(received.filter(({ access, deleted, isExposed }) => access === undefined || deleted.length > 0 || isExposed)).toEqual([]);
      expect(answers[0]!.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
    },
  );
});
