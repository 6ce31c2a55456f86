import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Controller, Get, Param, Post, UseGuards, UseInterceptors } from '@nestjs/common';
import { JwtAuthGuard, RefreshService, TokenInterceptor, TokenLocations } from 'nestjs-token';
import { FakeClock } from 'nestjs-token/testing';
import type { Answer, TestApp } from '../support/app.js';
import { ADAPTERS } from '../support/app.js';
import type { BrowserKind } from '../support/browser.js';
import { Browser, SITE } from '../support/browser.js';
import { startCookieApp } from '../support/cookie-app.js';

const HOUR = 3_600_000;
const EVIL = 'https://evil.example';
const SUBDOMAIN = 'https://blog.example.com';
const MODERN = ['chromium', 'firefox', 'safari'] as const;
const REFUSED = { errorCode: 'csrf_failed', statusCode: 403 };

const clock = new FakeClock();

async function signedIn(app: TestApp, kind: BrowserKind = 'chromium'): Promise<Browser> {
  const browser = new Browser(app.port, { kind, clock });
  await browser.fetch('/auth/login', { method: 'POST' });
  return browser;
}

/** What must not change when a request is refused: the session's position and the cookies of the browser. */
async function stateOf(app: TestApp, browser: Browser): Promise<unknown> {
  const held = Object.values(await browser.cookies()).map(String);
  const sessions = await app.app.get(RefreshService).sessions('alice', { limit: 1_000 });
  return { held, sessions };
}

async function expectNoEffect(app: TestApp, browser: Browser, work: () => Promise<Answer>): Promise<Answer> {
  const before = await stateOf(app, browser);
  const answer = await work();
  expect(answer.headers['set-cookie']).toBeUndefined();
  expect(await stateOf(app, browser)).toEqual(before);
  return answer;
}

const csrfOf = async (browser: Browser): Promise<string> => (await browser.cookies())['__Host-csrf']?.value ?? '';

describe.each(ADAPTERS)('Requests of other sites, on %s', (adapter) => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startCookieApp({}, { adapter, clock });
  });
  afterAll(() => app.close());

  describe.each(MODERN)('in %s', (kind) => {
    it('CSRF-07 CK-10 refuses a form of another site, also with the right CSRF token', async () => {
      const browser = await signedIn(app, kind);
      // Strict and Lax cookies stay at home. SameSite=Lax-by-default has exceptions, and an attack may know one: the cookies come along here.
      const cookie = Object.values(await browser.cookies())
        .map((one) => one.cookieString())
        .join('; ');
      const headers = { cookie, 'content-type': 'application/x-www-form-urlencoded', 'x-csrf-token': await csrfOf(browser) };
      const answer = await expectNoEffect(app, browser, () =>
        browser.navigate('/notes', { from: EVIL, method: 'POST', headers, body: 'text=forged' }),
      );
      expect(answer.json()).toMatchObject(REFUSED);
    });

    it('CSRF-08 answers a read of another site with 401 where it would have to rotate, and rotates nothing', async () => {
      const browser = await signedIn(app, kind);
      const cookie = Object.values(await browser.cookies())
        .map((one) => one.cookieString())
        .join('; ');
      clock.advance(HOUR);
      const answer = await expectNoEffect(app, browser, () => browser.fetch('/me', { from: EVIL, headers: { cookie } }));
      expect([answer.status, answer.json().errorCode]).toEqual([401, 'token_expired']);
      expect((await browser.fetch('/me')).status).toBe(200);
    });

    it('CSRF-08 takes the caller of another site for nobody on an open route, and rotates nothing', async () => {
      const browser = await signedIn(app, kind);
      const { '__Host-refresh': refresh } = await browser.cookies();
      const headers = { cookie: refresh?.cookieString() ?? '' };
      const answer = await expectNoEffect(app, browser, () => browser.fetch('/optional', { from: EVIL, headers }));
      expect([answer.status, answer.json()]).toEqual([200, { subject: null }]);
    });

    it('CSRF-09 refuses a page of a subdomain, which the browser does send the cookies for', async () => {
      const browser = await signedIn(app, kind);
      const write = await expectNoEffect(app, browser, () => browser.fetch('/notes', { from: SUBDOMAIN, method: 'POST' }));
      const renew = await expectNoEffect(app, browser, () => browser.fetch('/auth/refresh', { from: SUBDOMAIN, method: 'POST' }));
      const leave = await expectNoEffect(app, browser, () => browser.fetch('/auth/logout', { from: SUBDOMAIN, method: 'POST' }));
      expect([write, renew, leave].map((answer) => answer.json())).toMatchObject([REFUSED, REFUSED, REFUSED]);
      clock.advance(HOUR);
      const read = await expectNoEffect(app, browser, () => browser.fetch('/me', { from: SUBDOMAIN }));
      expect(read.json()).toMatchObject({ errorCode: 'token_missing' });
      expect((await browser.fetch('/notes', { method: 'POST' })).status).toBe(200);
    });

    it('admits reads of a page of a subdomain while the access token is good, because they change nothing', async () => {
      const browser = await signedIn(app, kind);
      expect((await browser.fetch('/me', { from: SUBDOMAIN })).status).toBe(200);
    });

    it('admits every method of the own pages, and an address that was entered', async () => {
      const browser = await signedIn(app, kind);
      expect((await browser.fetch('/notes', { method: 'POST' })).status).toBe(200);
      clock.advance(HOUR);
      expect((await browser.navigate('/me')).status).toBe(200);
      clock.advance(HOUR);
      expect((await browser.fetch('/notes', { method: 'POST' })).status).toBe(200);
      clock.advance(HOUR);
      expect((await browser.fetch('/auth/refresh', { method: 'POST' })).status).toBe(200);
    });

    it.each([
      ['a prefetch', { 'sec-purpose': 'prefetch' }],
      ['a prerendered page', { 'sec-purpose': 'prefetch;prerender' }],
      ['a prefetch of an older Chromium', { purpose: 'prefetch' }],
      ['a prefetch of an older Firefox', { 'x-moz': 'prefetch' }],
      ['an image', {}],
    ])('CSRF-11 does not rotate for %s', async (_, headers) => {
      const browser = await signedIn(app, kind);
      expect((await browser.load('/me', { headers })).status).toBe(200);
      clock.advance(HOUR);
      const answer = await expectNoEffect(app, browser, () => browser.load('/me', { headers }));
      expect(answer.json()).toMatchObject({ errorCode: 'token_missing' });
      expect((await browser.fetch('/me')).status).toBe(200);
    });

    it('does not know the user who follows a link in a mail after the access token has expired, and the session lives', async () => {
      const browser = await signedIn(app, kind);
      clock.advance(HOUR);
      const answer = await browser.navigate('/me', { from: 'https://mail.example.net' });
      expect(answer.json()).toMatchObject({ errorCode: 'token_missing' });
      expect((await browser.navigate('/me')).status).toBe(200);
    });
  });

  describe('in a browser that does not tell where a request comes from', () => {
    it('CSRF-10 admits unsafe requests whose Origin is the own one', async () => {
      const browser = await signedIn(app, 'old');
      expect((await browser.fetch('/notes', { method: 'POST' })).status).toBe(200);
    });

    it.each([
      ['null', 'null'],
      ['another site', EVIL],
      ['a subdomain', SUBDOMAIN],
      ['another port', `${SITE}:8443`],
      ['plain http', 'http://app.example.com'],
      ['a longer name', `${SITE}.evil.example`],
      ['nothing', ''],
    ])('CSRF-10 refuses unsafe requests whose Origin is %s, also with the CSRF token', async (_, origin) => {
      const browser = await signedIn(app, 'old');
      const headers = { origin, 'x-csrf-token': await csrfOf(browser) };
      const answer = await expectNoEffect(app, browser, () => browser.fetch('/notes', { method: 'POST', headers }));
      expect(answer.json()).toMatchObject(REFUSED);
    });

    it.each(['sometimes', '', 'same-origin, cross-site', 'SAME-ORIGIN'])(
      'CSRF-10 judges by Origin when Sec-Fetch-Site says %p, which no browser sends',
      async (site) => {
        const browser = await signedIn(app, 'old');
        const send = (origin: string): Promise<Answer> =>
          browser.fetch('/notes', { method: 'POST', headers: { origin, 'sec-fetch-site': site } });
        expect([(await send(SITE)).status, (await send(EVIL)).status]).toEqual([200, 403]);
      },
    );

    it('CSRF-01 CSRF-06 refuses what carries neither Origin nor CSRF token', async () => {
      const browser = await signedIn(app, 'tool');
      for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
        const answer = await browser.send('/notes', {
          method: 'POST',
          headers: { 'content-type': type },
          body: type.endsWith('json') ? '{}' : '',
        });
        expect([adapter === 'fastify' && answer.status === 415 ? 403 : answer.status, type]).toEqual([403, type]);
      }
    });

    it('admits what carries the CSRF token of its session, also after many rotations and after a new cookie', async () => {
      const browser = await signedIn(app, 'tool');
      const token = await csrfOf(browser);
      const write = (): Promise<Answer> => browser.fetch('/notes', { method: 'POST', headers: { 'x-csrf-token': token } });
      expect((await write()).status).toBe(200);
      for (let rotation = 0; rotation < 3; rotation++) {
        clock.advance(HOUR);
        expect((await write()).status).toBe(200);
      }
      expect(await csrfOf(browser)).toBe(token);
    });

    it('CSRF-02 CSRF-05 refuses the CSRF token of another session of the same user', async () => {
      const [browser, other] = [await signedIn(app, 'tool'), await signedIn(app, 'tool')];
      const headers = { 'x-csrf-token': await csrfOf(other) };
      const answer = await expectNoEffect(app, browser, () => browser.fetch('/notes', { method: 'POST', headers }));
      expect(answer.json()).toMatchObject(REFUSED);
    });

    it('CSRF-03 refuses a made-up token that stands in cookie and header', async () => {
      const browser = await signedIn(app, 'tool');
      const forged = `ntc_${randomBytes(33).toString('base64url')}`;
      const cookies = { ...(await browser.cookies()) };
      const cookie = Object.values(cookies).map((one) => (one.key === '__Host-csrf' ? `__Host-csrf=${forged}` : one.cookieString()));
      const headers = { cookie: cookie.join('; '), 'x-csrf-token': forged };
      const answer = await expectNoEffect(app, browser, () => browser.fetch('/notes', { method: 'POST', headers }));
      expect(answer.json()).toMatchObject(REFUSED);
    });

    it('CSRF-04 refuses a CSRF header that is no token', async () => {
      const browser = await signedIn(app, 'tool');
      const token = await csrfOf(browser);
      const wrong = ['', 'undefined', token.slice(0, -1), token.toUpperCase(), `${token},${token}`, 'x'.repeat(8_000), `${token}\u00a0`];
      for (const value of wrong) {
        const answer = await browser.fetch('/notes', { method: 'POST', headers: { 'x-csrf-token': value } });
        expect([answer.json().errorCode, value]).toEqual(['csrf_failed', value]);
      }
      const twice = await browser.fetch('/notes', { method: 'POST', headers: { 'x-csrf-token': [token, token] } });
      expect(twice.json()).toMatchObject(REFUSED);
    });

    it('needs the CSRF token for a read that has to rotate, and answers with 401 without it', async () => {
      const browser = await signedIn(app, 'tool');
      clock.advance(HOUR);
      expect((await expectNoEffect(app, browser, () => browser.fetch('/me'))).json()).toMatchObject({ errorCode: 'token_missing' });
      const headers = { 'x-csrf-token': await csrfOf(browser) };
      expect((await browser.fetch('/me', { headers })).status).toBe(200);
    });
  });

  describe('The CSRF cookie', () => {
    it('is issued again with the next response when it was lost, so that nobody gets stuck', async () => {
      const browser = await signedIn(app, 'tool');
      await browser.forget('__Host-csrf');
      const answer = await browser.fetch('/me');
      expect(answer.headers['set-cookie']).toEqual([expect.stringMatching(/^__Host-csrf=ntc_[\w-]{44}; Path=\/; Secure; SameSite=Lax$/)]);
      expect(answer.headers['cache-control']).toBe('no-store');
      const headers = { 'x-csrf-token': await csrfOf(browser) };
      expect((await browser.fetch('/notes', { method: 'POST', headers })).status).toBe(200);
      expect((await browser.fetch('/me')).headers['set-cookie']).toBeUndefined();
    });

    it('CK-09 CK-12 is replaced at a new sign-in, and heals when it belongs to another session', async () => {
      const browser = await signedIn(app, 'tool');
      const first = await csrfOf(browser);
      await browser.fetch('/auth/login', { method: 'POST' });
      const second = await csrfOf(browser);
      expect(second).not.toBe(first);
      await browser.jar.setCookie(`__Host-csrf=${first}; Path=/; Secure`, SITE);
      await browser.fetch('/me');
      expect([first, second]).not.toContain(await csrfOf(browser));
    });

    it('is not issued to a request that carries its tokens in headers', async () => {
      const answer = await new Browser(app.port, { kind: 'tool' }).fetch('/optional');
      expect(answer.headers['set-cookie']).toBeUndefined();
    });
  });

  it('lets a bad refresh token meet its own verdict, so that an old browser is not stuck with it', async () => {
    const browser = await signedIn(app, 'tool');
    await browser.jar.setCookie('__Host-refresh=ntr_garbage; Path=/; Secure; HttpOnly', SITE);
    const answer = await browser.fetch('/auth/refresh', { method: 'POST' });
    expect(answer.json()).toMatchObject({ errorCode: 'refresh_invalid', signIn: true });
    expect(await browser.cookies()).toEqual({});
  });
});

describe.each(ADAPTERS)('Pages of other sites, on %s, whose requests carry no cookies', (adapter) => {
  @Controller()
  @UseInterceptors(TokenInterceptor)
  class Handlers {
    constructor(private readonly refresh: RefreshService) {}

    @Get('report')
    @UseGuards(JwtAuthGuard)
    @TokenLocations({ query: 'access_token' }, 'cookie')
    report(): object {
      return {};
    }

    @Post('as/:subject')
    as(@Param('subject') subject: string): Promise<unknown> {
      return this.refresh.signIn(subject);
    }
  }

  let app: TestApp;
  beforeAll(async () => {
    const loadUser = (name: string) => (name === 'mallory' ? null : { name });
    app = await startCookieApp({ loadUser }, { adapter, clock, controllers: [Handlers] });
  });
  afterAll(() => app.close());

  const form = (browser: Browser, path: string, body: string): Promise<Answer> =>
    browser.navigate(path, { from: EVIL, method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body });

  it('do not sign the user out by a form', async () => {
    const browser = await signedIn(app);
    const answer = await expectNoEffect(app, browser, () => form(browser, '/auth/logout', ''));
    expect([403, 415]).toContain(answer.status);
    const json = await expectNoEffect(app, browser, () => browser.fetch('/auth/logout', { from: EVIL, method: 'POST' }));
    expect(json.json()).toMatchObject(REFUSED);
  });

  it('do not sign the user in by a refresh token in the body', async () => {
    const [browser, attacker] = [new Browser(app.port, { clock }), await app.app.get(RefreshService).signIn('eve')];
    const forged = await form(browser, '/auth/refresh', `refresh_token=${attacker.refreshToken}`);
    expect([403, 415]).toContain(forged.status);
    const body = { refresh_token: attacker.refreshToken };
    expect((await browser.fetch('/auth/refresh', { from: EVIL, method: 'POST', body })).json()).toMatchObject(REFUSED);
    expect(await browser.cookies()).toEqual({});
    // A client that is no browser has no cookies of a victim.
    expect((await new Browser(app.port, { kind: 'tool', clock }).fetch('/auth/refresh', { method: 'POST', body })).status).toBe(200);
  });

  it('do not sign the user out by a link with a revoked token in its address', async () => {
    const [browser, ended] = [await signedIn(app), await app.app.get(RefreshService).signIn('eve')];
    await app.app.get(RefreshService).revoke(ended.sessionId);
    const path = `/report?access_token=${ended.accessToken}`;
    const answer = await expectNoEffect(app, browser, () => browser.navigate(path, { from: EVIL }));
    expect(answer.json()).toMatchObject({ errorCode: 'token_revoked', signIn: true });
    expect((await browser.fetch('/me')).status).toBe(200);
  });

  it('cannot make healing fail by a host that is none', async () => {
    const plain = await startCookieApp({ cookie: { insecure: true } }, { adapter, clock });
    const headers = { host: '-a.example.com', cookie: 'refresh=x; refresh=y; access=x', 'sec-fetch-site': 'same-origin' };
    const answer = await plain.call('/me/<b>', { headers }).finally(() => undefined);
    const guarded = await plain.call('/me', { headers });
    await plain.close();
    expect([answer.status, guarded.status]).toEqual([404, 401]);
  });

  it('keep the cookies of a user while somebody else is refused in a handler', async () => {
    const browser = await signedIn(app);
    const answer = await expectNoEffect(app, browser, () => browser.fetch('/as/mallory', { method: 'POST' }));
    expect(answer.json()).toMatchObject({ errorCode: 'user_rejected', signIn: true });
  });

  it('leave a CSRF cookie alone with a token of their own in the address', async () => {
    const [browser, other] = [await signedIn(app), await app.app.get(RefreshService).signIn('eve')];
    const answer = await expectNoEffect(app, browser, () => browser.navigate(`/report?access_token=${other.accessToken}`, { from: EVIL }));
    expect(answer.status).toBe(200);
  });
});

describe.each(ADAPTERS)('The options of the protection, on %s', (adapter) => {
  const withApp = async (options: Parameters<typeof startCookieApp>[0], work: (app: TestApp) => Promise<void>): Promise<void> => {
    const app = await startCookieApp(options, { adapter, clock });
    await work(app).finally(() => app.close());
  };

  it("demands the token of every browser with csrf: 'token'", () =>
    withApp({ csrf: 'token' }, async (app) => {
      const browser = await signedIn(app);
      const write = (headers = {}): Promise<Answer> => browser.fetch('/notes', { method: 'POST', headers });
      expect([(await write()).status, (await write({ 'x-csrf-token': await csrfOf(browser) })).status]).toEqual([403, 200]);
      expect((await browser.fetch('/me')).status).toBe(200);
    }));

  it('trusts the subdomains with csrf.trustSameSite, and other sites no more than before', () =>
    withApp({ csrf: { trustSameSite: true } }, async (app) => {
      const browser = await signedIn(app);
      clock.advance(HOUR);
      expect((await browser.fetch('/notes', { from: SUBDOMAIN, method: 'POST' })).status).toBe(200);
      const cookie = Object.values(await browser.cookies())
        .map((one) => one.cookieString())
        .join('; ');
      expect((await browser.fetch('/notes', { from: EVIL, method: 'POST', headers: { cookie } })).status).toBe(403);
    }));

  it('trusts one subdomain alone with csrf.origins', () =>
    withApp({ csrf: { origins: 'https://spa.example.com' } }, async (app) => {
      const [browser, old] = [await signedIn(app), await signedIn(app, 'old')];
      for (const from of ['https://spa.example.com', SUBDOMAIN]) {
        const expected = from === SUBDOMAIN ? 403 : 200;
        expect((await browser.fetch('/notes', { from, method: 'POST' })).status).toBe(expected);
        expect((await old.fetch('/notes', { from, method: 'POST' })).status).toBe(expected);
      }
    }));

  it('reads the CSRF token from the header that csrf.header names', () =>
    withApp({ csrf: { header: 'X-XSRF-TOKEN' } }, async (app) => {
      const browser = await signedIn(app, 'tool');
      const headers = { 'x-xsrf-token': await csrfOf(browser) };
      expect((await browser.fetch('/notes', { method: 'POST', headers })).status).toBe(200);
    }));

  it('rotates for a link of another site with SameSite=Lax, but not for a form, a frame or a prefetch', () =>
    withApp({ cookie: { sameSite: { refresh: 'lax' } } }, async (app) => {
      const browser = await signedIn(app);
      const mail = 'https://mail.example.net';
      clock.advance(HOUR);
      expect((await browser.navigate('/me', { from: mail })).status).toBe(200);
      clock.advance(HOUR);
      const refused = [{ 'sec-purpose': 'prefetch' }, { 'sec-fetch-dest': 'iframe' }];
      for (const headers of refused) {
        expect((await expectNoEffect(app, browser, () => browser.navigate('/me', { from: mail, headers }))).status).toBe(401);
      }
      const cookie = Object.values(await browser.cookies())
        .map((one) => one.cookieString())
        .join('; ');
      const form = await expectNoEffect(app, browser, () =>
        browser.navigate('/notes', { from: mail, method: 'POST', headers: { cookie } }),
      );
      expect(form.json()).toMatchObject(REFUSED);
    }));

  it('checks nothing and issues no CSRF token with csrf: false', () =>
    withApp({ csrf: false }, async (app) => {
      const browser = await signedIn(app);
      expect(Object.keys(await browser.cookies())).toEqual(['__Host-access', '__Host-refresh']);
      expect((await browser.fetch('/notes', { from: SUBDOMAIN, method: 'POST' })).status).toBe(200);
    }));

  it('CSRF-12 asks nothing of a request whose access token is in the header, in mixed mode', () =>
    withApp({ transport: 'mixed' }, async (app) => {
      const browser = new Browser(app.port, { kind: 'tool', clock });
      const { access_token: token } = (await browser.fetch('/auth/login', { method: 'POST' })).json<{ access_token: string }>();
      const authorization = `Bearer ${token}`;
      expect((await browser.fetch('/notes', { method: 'POST', headers: { authorization } })).status).toBe(200);
      clock.advance(HOUR);
      const refused = await expectNoEffect(app, browser, () => browser.fetch('/notes', { method: 'POST', headers: { authorization } }));
      expect(refused.json()).toMatchObject(REFUSED);
      const headers = { authorization, 'x-csrf-token': await csrfOf(browser) };
      const refreshed = await browser.fetch('/notes', { method: 'POST', headers });
      expect([refreshed.status, String(refreshed.headers.authorization).startsWith('Bearer ey')]).toEqual([200, true]);
    }));
});
