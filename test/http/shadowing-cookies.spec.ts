import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Post, UseGuards } from '@nestjs/common';
import type { CookieOptions, Principal, TokenPair } from 'nestjs-token';
import { CurrentUser, JwtAuthGuard, RefreshService } from 'nestjs-token';
import { expiredPair, FakeClock, issueTestPair } from 'nestjs-token/testing';
import type { AdapterName, Answer, TestApp } from '../support/app.js';
import { ADAPTERS } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { startCookieApp } from '../support/cookie-app.js';

const HOUR = 3_600_000;

@Controller('deep')
@UseGuards(JwtAuthGuard)
class DeepController {
  @Get('down/here')
  here(@CurrentUser() user: Principal): Principal {
    return user;
  }

  @Post('down/here')
  write(@CurrentUser() user: Principal): Principal {
    return user;
  }
}

/** Names without `__Host-`, which other cookies can shadow, and where the application is. */
const SETTINGS: [title: string, cookie: CookieOptions, site: string, prefix: string][] = [
  ['plain http', { insecure: true }, 'http://app.example.com', ''],
  ['a domain', { domain: 'example.com' }, 'https://app.example.com', '__Secure-'],
  ['a deeper domain', { domain: 'app.example.com' }, 'https://one.app.example.com', '__Secure-'],
  ['own names', { access: 'at-access', refresh: 'at-refresh', csrf: 'at-csrf' }, 'https://app.example.com', 'at-'],
];

/** Where the cookies of an attacker on a subdomain, or of an earlier version of the application, may be. */
const SCOPES = [
  ['another path', 'Path=/deep'],
  ['another path with a slash', 'Path=/deep/'],
  ['the whole path', 'Path=/deep/down/here'],
  ['the host alone', 'Path=/'],
  ['the registrable domain', 'Domain=example.com; Path=/'],
  ['a domain and a path', 'Domain=example.com; Path=/deep/down'],
] as const;

const CASES = SETTINGS.flatMap((setting) => ADAPTERS.map((adapter): [...typeof setting, AdapterName] => [...setting, adapter]));

describe.each(CASES)('cookies that shadow ours, with %s (%j, %s, prefix %j) on %s', (_title, cookie, site, prefix, adapter) => {
  const clock = new FakeClock();
  let running: TestApp;
  let browser: Browser;
  beforeAll(async () => {
    running = await startCookieApp({ cookie }, { adapter, clock, controllers: [DeepController] });
  });
  afterAll(() => running.close());
  beforeEach(async () => {
    browser = new Browser(running.port, { clock, site });
    expect((await browser.fetch('/auth/login', { method: 'POST' })).status).toBe(200);
  });

  /** Sets a cookie as any host below the registrable domain can. */
  const toss = async (name: string, value: string, scope: string): Promise<void> => {
    const secure = site.startsWith('https') ? '; Secure' : '';
    await browser.jar.setCookie(`${prefix}${name}=${value}; ${scope}${secure}`, `${site}/deep/down/here`);
  };
  const own = async (name: string): Promise<string> => {
    const { domain } = cookie;
    const held = (await browser.jar.getCookies(`${site}/deep/down/here`)).filter(
      (one) =>
        one.key === prefix + name && one.path === '/' && (domain === undefined ? one.hostOnly : !one.hostOnly && one.domain === domain),
    );
    return held[0]?.value ?? '';
  };
  const heldAs = async (name: string): Promise<string[]> =>
    (await browser.jar.getCookies(`${site}/deep/down/here`, { expire: false }))
      .filter((one) => one.key === prefix + name && one.maxAge !== 0)
      .map((one) => one.value);
  const visit = (): Promise<Answer> => browser.fetch('/deep/down/here');
  const sidOf = (answer: Answer): unknown => [answer.status, answer.json().sid];
  const sid = async (): Promise<unknown> => (await browser.fetch('/me')).json().sid;
  const isOurs = (scope: string): boolean => scope === (cookie.domain === undefined ? 'Path=/' : `Domain=${cookie.domain}; Path=/`);

  describe.each(SCOPES.filter(([, scope]) => !isOurs(scope)))('for %s (%s)', (_where, scope) => {
    it('are outvoted and deleted if they are no tokens: the session goes on, and ours stay', async () => {
      const session = await sid();
      await toss('refresh', 'evil', scope);
      await toss('access', 'evil', scope);
      // One name at each response.
      expect([sidOf(await visit()), sidOf(await visit())]).toEqual([
        [200, session],
        [200, session],
      ]);
      expect([await heldAs('access'), await heldAs('refresh')]).toEqual([[await own('access')], [await own('refresh')]]);
      const after = await visit();
      expect([sidOf(after), after.headers['set-cookie']]).toEqual([[200, session], undefined]);
    });

    it('are outvoted if they are empty, which is what a half-finished deletion leaves', async () => {
      const session = await sid();
      await toss('refresh', '', scope);
      clock.advance(HOUR);
      expect(sidOf(await visit())).toEqual([200, session]);
      expect(await heldAs('refresh')).toEqual([await own('refresh')]);
    });

    it('are older than ours if they are of the same session: the newest wins', async () => {
      const session = await sid();
      const [access, refresh] = [await own('access'), await own('refresh')];
      clock.advance(HOUR);
      expect((await browser.fetch('/me')).status).toBe(200);
      clock.advance(HOUR);
      await toss('refresh', refresh, scope);
      await toss('access', access, scope);
      expect(sidOf(await visit())).toEqual([200, session]);
      expect(await heldAs('refresh')).toEqual([await own('refresh')]);
      expect(await own('refresh')).not.toBe(refresh);
      clock.advance(HOUR);
      expect(sidOf(await visit())).toEqual([200, session]);
      expect((await running.app.get(RefreshService).sessions('alice')).map(({ sessionId }) => sessionId)).toContain(session);
    });

    it("are refused if they are of another session, and deleted, so that the next request is the user's own again", async () => {
      const session = await sid();
      const evil: TokenPair = await issueTestPair(running.app, 'mallory');
      await toss('refresh', evil.refreshToken ?? '', scope);
      await toss('access', evil.accessToken, scope);
      const refused = await visit();
      expect([refused.status, refused.json().errorCode]).toEqual([401, 'session_mismatch']);
      expect(refused.headers['set-cookie']?.every((line) => line.includes('Max-Age=0'))).toBe(true);
      expect(await heldAs('refresh')).toEqual([await own('refresh')]);
      expect(sidOf(await visit())).toEqual([200, session]);
      expect(await heldAs('access')).toEqual([await own('access')]);
      expect(await running.app.get(RefreshService).rotate(evil.refreshToken)).toMatchObject({ outcome: 'rotated' });
    });
  });

  it.each(SCOPES.filter(([, scope]) => !isOurs(scope)))(
    'do not keep the CSRF token of a page from working, for %s (%s)',
    async (_where, scope) => {
      // The page sends what it reads first, and its browser does not say where requests come from.
      const old = new Browser(running.port, { clock, site, kind: 'old' });
      browser = old;
      await old.fetch('/auth/login', { method: 'POST', headers: { origin: site } });
      await toss('csrf', 'evil', scope);
      const send = async (): Promise<Answer> => {
        const [first] = (await old.jar.getCookies(`${site}/deep/down/here`)).filter(({ key }) => key === `${prefix}csrf`);
        return old.send('/deep/down/here', { method: 'POST', headers: { 'x-csrf-token': first?.value ?? '' } });
      };
      for (let attempt = 0; attempt < 2; attempt++) await send();
      const last = await send();
      expect([last.status, last.headers['set-cookie']]).toEqual([201, undefined]);
      expect(await heldAs('csrf')).toEqual([await own('csrf')]);
    },
  );

  it.each(SCOPES.filter(([, scope]) => !isOurs(scope)))(
    'cannot stand in for an access token that has expired, for %s (%s)',
    async (_where, scope) => {
      const session = await sid();
      const evil = await expiredPair(running.app, 'mallory');
      clock.advance(HOUR);
      await toss('access', evil.accessToken, scope);
      expect((await visit()).json()).toMatchObject({ statusCode: 401, errorCode: 'session_mismatch' });
      expect(await heldAs('access')).toEqual([]);
      expect(sidOf(await visit())).toEqual([200, session]);
    },
  );

  it('never make a response larger than proxies take by default', async () => {
    for (const [, scope] of SCOPES) if (!isOurs(scope)) await toss('refresh', 'evil', scope).then(() => toss('access', 'evil', scope));
    const answer = await visit();
    const lines = answer.headers['set-cookie'] ?? [];
    expect(answer.status).toBe(200);
    expect(lines.join('\r\n').length).toBeLessThan(4_096);
    expect(lines.filter((line) => /\r|\n/.test(line))).toEqual([]);
  });

  it('are deleted by a final verdict, also if there is no cookie of ours, so that nobody is refused for ever', async () => {
    const stranger = (browser = new Browser(running.port, { clock, site }));
    for (const [, scope] of SCOPES) await toss('refresh', 'evil', scope);
    const refused = await stranger.fetch('/deep/down/here');
    expect([refused.status, refused.json().errorCode]).toEqual([401, 'refresh_invalid']);
    expect(await heldAs('refresh')).toEqual([]);
    expect((await stranger.fetch('/deep/down/here')).json()).toMatchObject({ errorCode: 'token_missing' });
  });

  it('are deleted at the sign-in, and at the sign-out', async () => {
    for (const [path, expected] of [
      ['/auth/login', 1],
      ['/auth/logout', 0],
    ] as const) {
      await browser.jar.setCookie(`${prefix}refresh=evil; Path=/auth${site.startsWith('https') ? '; Secure' : ''}`, `${site}/auth/login`);
      expect((await browser.fetch(path, { method: 'POST' })).status).toBeLessThan(300);
      const held = (await browser.jar.getCookies(site + path, { expire: false })).filter(
        ({ key, maxAge }) => key === `${prefix}refresh` && maxAge !== 0,
      );
      expect([path, held.length]).toEqual([path, expected]);
    }
  });
});

describe.each(ADAPTERS)('cookies that shadow ours on %s', (adapter) => {
  let running: TestApp;
  afterAll(() => running.close());

  it('of a __Host- name: none can, and the first value counts if a client that is no browser sends two', async () => {
    running = await startCookieApp({}, { adapter });
    const [alice, bob] = [await expiredPair(running.app, 'alice'), await expiredPair(running.app, 'bob')];
    const cookies = `__Host-refresh=${alice.refreshToken}; __Host-refresh=${bob.refreshToken}`;
    const answer = await running.call('/me', { headers: { cookie: cookies, 'sec-fetch-site': 'same-origin' } });
    expect([answer.status, answer.json().sub, answer.headers['set-cookie']?.filter((line) => line.includes('Max-Age=0'))]).toEqual([
      200,
      'alice',
      [],
    ]);
    await running.close();
  });

  it('of a __Host- name that was not partitioned before: the newest wins, and the other one is deleted', async () => {
    running = await startCookieApp({ cookie: { partitioned: true } }, { adapter });
    const refresh = running.app.get(RefreshService);
    const pair = await refresh.signIn('alice');
    const next = (await refresh.rotate(pair.refreshToken)).pair.refreshToken ?? '';
    const cookie = `__Host-refresh=${pair.refreshToken}; __Host-refresh=${next}`;
    const { status, headers } = await running.call('/me', { headers: { cookie, 'sec-fetch-site': 'same-origin' } });
    const deletions = headers['set-cookie']?.filter((line) => line.includes('Max-Age=0'));
    expect([status, deletions]).toEqual([200, ['__Host-refresh=; Max-Age=0; Path=/; Secure']]);
    expect(await refresh.rotate(next)).toMatchObject({ outcome: 'kept' });
  });
});
