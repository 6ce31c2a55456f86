import { afterEach, describe, expect, it } from '@jest/globals';
import { RefreshService } from 'nestjs-token';
import type { TestApp } from '../support/app.js';
import { ADAPTERS, bearing, expired, startApp } from '../support/app.js';

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

  it('refreshes an expired pair once for 200 parallel requests', async () => {
    running = await startApp({ adapter });
    const pair = expired(running.app, await running.app.get(RefreshService).signIn('alice'));
    const answers = await Promise.all(Array.from({ length: 200 }, () => running.call('/me', { headers: bearing(pair) })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ headers }) => headers['x-refresh-token'])).size).toBe(1);
    expect(answers[0]!.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
  });
});
