import { afterEach, describe, expect, it } from '@jest/globals';
import type { TokenModuleRootOptions } from 'nestjs-token';
import { RefreshService, TokenModule } from 'nestjs-token';
import { expiredPair, issueTestPair, signInAs, tokenHeaders, useTestTokens } from 'nestjs-token/testing';
import type { FakeClock } from 'nestjs-token/testing';
import type { Answer, TestApp } from '../support/app.js';
import { ADAPTERS, ISSUER, SECRET } from '../support/app.js';
import { startCookieApp } from '../support/cookie-app.js';

describe.each(ADAPTERS)('tests of applications whose tokens travel in cookies (%s)', (adapter) => {
  let running: TestApp;
  let clock: FakeClock;
  afterEach(() => running.close());

  const start = async (options: Partial<TokenModuleRootOptions> = {}) => {
    const imports = [TokenModule.forRoot({ issuer: ISSUER, secret: SECRET, name: 'admin', transport: 'cookie' })];
    running = await startCookieApp(options, { adapter, imports, override: (builder) => void (clock = useTestTokens(builder)) });
    return running.app;
  };
  const write = (headers: Record<string, string>): Promise<Answer> => running.call('/notes', { method: 'POST', headers, body: {} });

  it('have a Cookie header and a CSRF token, and no header that a browser would not send', async () => {
    const app = await start();
    const { pair, headers } = await signInAs(app, 'alice');
    expect(Object.keys(headers)).toEqual(['Cookie', 'X-CSRF-Token']);
    expect(headers.Cookie).toBe(
      `__Host-access=${pair.accessToken}; __Host-refresh=${pair.refreshToken}; __Host-csrf=${headers['X-CSRF-Token']}`,
    );
  });

  it('have the access token in its header and the rest in cookies in mixed mode', async () => {
    const { pair, headers } = await signInAs(await start({ transport: 'mixed' }), 'alice');
    expect(headers).toEqual({
      Authorization: `Bearer ${pair.accessToken}`,
      Cookie: `__Host-refresh=${pair.refreshToken}; __Host-csrf=${headers['X-CSRF-Token']}`,
      'X-CSRF-Token': expect.stringMatching(/^ntc_/),
    });
  });

  it('have no cookies in header mode', async () => {
    const { headers } = await signInAs(await start({ transport: 'header' }), 'alice');
    expect(Object.keys(headers)).toEqual(['Authorization', 'X-Refresh-Token']);
  });

  it('have no CSRF token if there is no protection', async () => {
    const { headers } = await signInAs(await start({ csrf: false }), 'alice');
    expect(Object.keys(headers)).toEqual(['Cookie']);
    expect(headers.Cookie).not.toContain('csrf');
    expect((await write(headers)).status).toBe(200);
  });

  it.each(['cookie', 'mixed'] as const)('read, write, and refresh when the clock has moved on, in %s mode', async (transport) => {
    const { pair, headers } = await signInAs(await start({ transport, csrf: 'token' }), 'alice');
    expect([(await running.call('/me', { headers })).status, (await write(headers)).status]).toEqual([200, 200]);
    clock.advance('16m');
    const refreshed = await write(headers);
    expect([refreshed.status, refreshed.headers['set-cookie']?.some((line) => line.startsWith('__Host-refresh='))]).toEqual([200, true]);
    expect(String(refreshed.headers['set-cookie'])).not.toContain(pair.refreshToken);
  });

  it('are refused without the CSRF token, as a request of another site would be', async () => {
    const { headers } = await signInAs(await start(), 'alice');
    const { 'X-CSRF-Token': _, ...others } = headers;
    expect((await write(others)).json()).toMatchObject({ statusCode: 403, errorCode: 'csrf_failed' });
  });

  it('have the names of the options and of their instance', async () => {
    const options = { cookie: { access: '__Host-a', refresh: '__Host-r', csrf: '__Host-c' }, csrf: { header: 'X-Own' } };
    const app = await start(options);
    const own = (await signInAs(app, 'alice')).headers;
    expect([Object.keys(own), own.Cookie?.replace(/=[^;]+/g, '')]).toEqual([['Cookie', 'X-Own'], '__Host-a; __Host-r; __Host-c']);
    const admin = (await signInAs(app, 'root', { name: 'admin' })).headers;
    expect(admin.Cookie?.replace(/=[^;]+/g, '')).toBe('__Host-admin-access; __Host-admin-refresh; __Host-admin-csrf');
  });

  it('refresh with the pair of expiredPair, and stay session cookies with `persistent: false`', async () => {
    const app = await start();
    const pair = await expiredPair(app, 'alice', { persistent: false });
    const { headers } = await running.call('/me', { headers: tokenHeaders(app, pair) });
    expect(headers['set-cookie']?.filter((line) => line.includes('Max-Age'))).toEqual([]);
    expect(headers['set-cookie']?.length).toBe(2);
  });

  it('can take a pair whose session has ended', async () => {
    const app = await start();
    const pair = await issueTestPair(app, 'alice');
    await app.get(RefreshService).revoke(pair.sessionId);
    expect((await running.call('/me', { headers: tokenHeaders(app, pair) })).json()).toMatchObject({ errorCode: 'token_revoked' });
  });

  it('can take a pair of a given age', async () => {
    const app = await start();
    const pair = await issueTestPair(app, 'alice', { age: '15d' });
    expect((await running.call('/me', { headers: tokenHeaders(app, pair) })).json()).toMatchObject({ errorCode: 'refresh_expired' });
  });
});
