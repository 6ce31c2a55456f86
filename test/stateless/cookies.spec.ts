import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { FakeClock } from 'nestjs-token/testing';
import { generateKeyPairSync } from 'node:crypto';
import { bearing, cookieNamesOf, ADAPTERS, SECRET } from '../support/app.js';
import type { Answer, TestApp } from '../support/app.js';
import type { BrowserKind } from '../support/browser.js';
import { Browser } from '../support/browser.js';
import { DROP } from '../support/option-cases.js';
import type { StatelessOptions } from '../support/stateless-app.js';
import { signIn, startStatelessApp } from '../support/stateless-app.js';

const FOREIGN = 'https://evil.example.org';
const ACCESS = '__Host-access';
const CSRF = '__Host-csrf';

const pair: StatelessOptions = {
  secret: DROP,
  keys: [{ algorithm: 'EdDSA', key: generateKeyPairSync('ed25519').privateKey, use: 'sign' }],
  csrf: { secret: SECRET },
};

describe.each(ADAPTERS)('cookies without sessions, on %s', (adapter) => {
  const opened: TestApp[] = [];
  afterEach(async () => {
    jest.restoreAllMocks();
    for (const app of opened.splice(0)) await app.close();
  });

  async function start(options: StatelessOptions = {}, kind: BrowserKind = 'chromium') {
    const clock = new FakeClock();
    const access = { lifetime: '15m', jitter: 0, leeway: 0, sliding: true, ...options.access } as const;
    const app = await startStatelessApp({ transport: 'cookie', ...options, access }, { adapter, clock });
    opened.push(app);
    const browser = new Browser(app.port, { clock, kind });
    const csrf = async () => ({ 'x-csrf-token': (await browser.cookies())[CSRF]?.value ?? '' });
    const login = (body: object = {}) => browser.fetch('/auth/login', { method: 'POST', body });
    return { app, clock, browser, csrf, login };
  }
  const summary = (answer: Answer): unknown[] => [answer.status, cookieNamesOf(answer)];

  it('sets an access cookie and a CSRF cookie at the sign-in, and the body has no token', async () => {
    const { browser, login } = await start();
    const answer = await login();
    expect(summary(answer)).toEqual([200, [ACCESS, CSRF]]);
    expect(answer.json()).toEqual({ user: { id: 'alice' }, tokens: { token_type: 'Bearer', expires_in: 900 } });
    expect(answer.headers.authorization).toBeUndefined();
    const { [ACCESS]: access, [CSRF]: csrf } = await browser.cookies();
    expect(access).toMatchObject({ httpOnly: true, secure: true, sameSite: 'lax', path: '/', maxAge: 900 });
    expect(csrf).toMatchObject({ httpOnly: false, secure: true });
    expect((await browser.fetch('/me')).json()).toMatchObject({ sub: 'alice' });
    expect((await browser.fetch('/notes', { method: 'POST' })).json()).toEqual({ subject: 'alice' });
  });

  it('signs out with @ClearTokens()', async () => {
    const { browser, login } = await start();
    await login();
    const answer = await browser.fetch('/auth/logout', { method: 'POST' });
    expect([answer.status, await browser.cookies()]).toEqual([204, {}]);
    expect((await browser.fetch('/me')).json()).toMatchObject({ errorCode: 'token_missing' });
  });

  it('refuses pages of other sites at routes that write, that sign in, and that sign out', async () => {
    const { browser, login } = await start({ cookie: { sameSite: { access: 'none' } } });
    await login();
    for (const path of ['/notes', '/auth/login', '/auth/logout']) {
      const answer = await browser.fetch(path, { method: 'POST', from: FOREIGN, body: {} });
      expect([answer.json()['errorCode'], cookieNamesOf(answer)]).toEqual(['csrf_failed', []]);
    }
    expect((await browser.fetch('/me')).status).toBe(200);
  });

  it.each<[string, StatelessOptions]>([
    ['secret', {}],
    ['keys', pair],
  ])('demands the CSRF token of a browser that does not say where a request comes from, with %s', async (_, options) => {
    const { browser, csrf, login } = await start(options, 'tool');
    await login();
    const write = async (headers: Record<string, string>) => (await browser.fetch('/notes', { method: 'POST', headers })).status;
    expect([await write({}), await write({ 'x-csrf-token': 'ntc_x' }), await write(await csrf())]).toEqual([403, 403, 200]);
  });

  it('demands it always with csrf: token', async () => {
    const { browser, csrf, login } = await start({ csrf: 'token' });
    await login();
    const write = async (headers: Record<string, string>) => (await browser.fetch('/notes', { method: 'POST', headers })).status;
    expect([await write({}), await write(await csrf())]).toEqual([403, 200]);
  });

  it('binds the CSRF token to the user and the sign-in: neither another user nor an earlier sign-in can use it', async () => {
    const { app, clock, browser, csrf, login } = await start({}, 'tool');
    await login();
    const own = await csrf();
    const write = async (headers: Record<string, string>) => (await browser.fetch('/notes', { method: 'POST', headers })).status;
    const mallory = new Browser(app.port, { clock, kind: 'tool' });
    await mallory.fetch('/auth/login', { method: 'POST', body: { subject: 'mallory' } });
    const foreign = { 'x-csrf-token': (await mallory.cookies())[CSRF]?.value ?? '' };
    expect([await write(own), await write(foreign)]).toEqual([200, 403]);
    clock.advance('1s');
    expect(cookieNamesOf(await login())).toEqual([ACCESS, CSRF]);
    expect([await write(own), await write(await csrf())]).toEqual([403, 200]);
  });

  it('brings a lost CSRF cookie back with the next response', async () => {
    const { browser, login } = await start();
    await login();
    await browser.forget(CSRF);
    expect(cookieNamesOf(await browser.fetch('/me'))).toEqual([CSRF]);
    expect(cookieNamesOf(await browser.fetch('/me'))).toEqual([]);
  });

  it('replaces the cookie of a token that slides, and keeps the CSRF token', async () => {
    const { clock, browser, csrf, login } = await start();
    await login();
    const before = [(await browser.cookies())[ACCESS]?.value, await csrf()];
    clock.advance('10m');
    const answer = await browser.fetch('/me');
    expect([summary(answer), answer.headers.authorization, answer.headers['cache-control']]).toEqual([
      [200, [ACCESS]],
      undefined,
      'no-store',
    ]);
    const { [ACCESS]: access } = await browser.cookies();
    expect(access).toMatchObject({ httpOnly: true, secure: true, sameSite: 'lax', maxAge: 900 });
    expect([access?.value === before[0], await csrf()]).toEqual([false, before[1]]);
    clock.advance('14m');
    expect((await browser.fetch('/notes', { method: 'POST', headers: await csrf() })).status).toBe(200);
  });

  it.each([
    [true, 900],
    [false, null],
  ])('keeps “remember me” %p of the sign-in', async (persistent, maxAge) => {
    const { clock, browser, login } = await start({ cookie: { persistent: !persistent } });
    await login({ persistent });
    expect((await browser.cookies())[ACCESS]?.maxAge).toBe(maxAge);
    for (let slides = 0; slides < 2; slides++) {
      clock.advance('10m');
      expect(cookieNamesOf(await browser.fetch('/me'))).toEqual([ACCESS]);
      expect((await browser.cookies())[ACCESS]?.maxAge).toBe(maxAge);
    }
  });

  it('replaces nothing for a page of another site, for a prefetch and for an image, and admits them as they are', async () => {
    const { clock, browser, login } = await start({ cookie: { sameSite: { access: 'none' } } });
    await login();
    clock.advance('10m');
    const requests = [
      browser.fetch('/me', { from: FOREIGN }),
      browser.navigate('/me', { from: FOREIGN }),
      browser.fetch('/me', { from: 'https://blog.example.com' }),
      browser.fetch('/me', { headers: { 'sec-purpose': 'prefetch' } }),
      browser.navigate('/me', { headers: { 'sec-purpose': 'prefetch;prerender' } }),
      browser.load('/me'),
    ];
    for (const answer of await Promise.all(requests)) expect(summary(answer)).toEqual([200, []]);
    expect(summary(await browser.navigate('/me'))).toEqual([200, [ACCESS]]);
  });

  it('replaces nothing on a request that fails the CSRF check', async () => {
    const { clock, browser, login } = await start({}, 'old');
    await login();
    clock.advance('10m');
    expect(summary(await browser.send('/notes', { method: 'POST' }))).toEqual([403, []]);
    expect(summary(await browser.fetch('/notes', { method: 'POST' }))).toEqual([200, [ACCESS]]);
  });

  it('replaces no token that came in a header in cookie mode, where no header carries a new one', async () => {
    const { app, clock } = await start({ locations: ['cookie', 'header'] });
    const { accessToken } = await signIn(app);
    clock.advance('10m');
    const answer = await app.call('/me', { headers: bearing({ accessToken }) });
    expect([...summary(answer), answer.headers.authorization]).toEqual([200, [], undefined]);
  });

  it('replaces a token in the cookie in which it came in header mode', async () => {
    const { app, clock } = await start({ transport: 'header', locations: ['header', 'cookie'] });
    const { accessToken } = await signIn(app);
    clock.advance('10m');
    const headers = { cookie: `${ACCESS}=${accessToken}`, 'sec-fetch-site': 'same-origin' };
    expect(cookieNamesOf(await app.call('/me', { headers }))).toContain(ACCESS);
  });

  it('deletes the cookies of a user who is gone, and leaves those of a token that has expired', async () => {
    let isActive = true;
    const { app, clock, browser, login } = await start({ loadUser: () => (isActive ? {} : null) });
    await login();
    const { [ACCESS]: access } = await browser.cookies();
    isActive = false;
    expect((await browser.fetch('/me')).json()).toMatchObject({ errorCode: 'user_rejected' });
    expect(await browser.cookies()).toEqual({});
    clock.advance('15m');
    const late = await app.call('/me', { headers: { cookie: `${ACCESS}=${access!.value}` } });
    expect([late.json()['errorCode'], cookieNamesOf(late)]).toEqual(['token_expired', []]);
  });

  it('refuses to sign in with claims that make the cookie too large for browsers', async () => {
    const { app } = await start();
    await expect(signIn(app, { claims: { a: 'x'.repeat(4_000) } })).rejects.toThrow(/its cookie holds/);
  });

  it('keeps the token if new claims make the next one too large for its cookie', async () => {
    let size = 1;
    const error = jest.spyOn(Logger.prototype, 'error').mockReturnValue();
    const { clock, browser, login } = await start({ claims: () => ({ a: 'x'.repeat(size) }) });
    await login();
    clock.advance('10m');
    size = 4_000;
    expect(summary(await browser.fetch('/me'))).toEqual([200, []]);
    expect(error).toHaveBeenCalledWith('hook_failed: claims', expect.stringMatching(/its cookie holds/));
  });
});
