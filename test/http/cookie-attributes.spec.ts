import { afterEach, describe, expect, it } from '@jest/globals';
import { Body, Controller, HttpCode, Post, UseInterceptors } from '@nestjs/common';
import type { CookieOptions, TokenModuleRootOptions } from 'nestjs-token';
import { RefreshService, TokenInterceptor, TokenOptionsError } from 'nestjs-token';
import { FakeClock } from 'nestjs-token/testing';
import type { Answer, TestApp } from '../support/app.js';
import { ADAPTERS } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { CapturedLog } from '../support/captured-log.js';
import { startCookieApp } from '../support/cookie-app.js';
import { resolveTokenOptions } from '../support/lib.js';
import { optionsWith } from '../support/option-cases.js';

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];
const HTTP = 'http://app.example.com';

@Controller()
@UseInterceptors(TokenInterceptor)
class RememberController {
  constructor(private readonly refresh: RefreshService) {}

  @Post('auth/remember')
  @HttpCode(200)
  login(@Body() { persistent }: { persistent: boolean }): Promise<object> {
    return this.refresh.signIn('alice', { persistent });
  }
}

interface Attributes {
  title: string;
  cookie: CookieOptions;
  site?: string;
  lines: string[];
}

/** What a sign-in sets, without values and lifetimes. */
const ATTRIBUTES: Attributes[] = [
  {
    title: 'the defaults',
    cookie: {},
    lines: [
      '__Host-access; Path=/; HttpOnly; Secure; SameSite=Lax',
      '__Host-refresh; Path=/; HttpOnly; Secure; SameSite=Strict',
      '__Host-csrf; Path=/; Secure; SameSite=Lax',
    ],
  },
  {
    title: 'a domain',
    cookie: { domain: 'example.com' },
    lines: [
      '__Secure-access; Domain=example.com; Path=/; HttpOnly; Secure; SameSite=Lax',
      '__Secure-refresh; Domain=example.com; Path=/; HttpOnly; Secure; SameSite=Strict',
      '__Secure-csrf; Domain=example.com; Path=/; Secure; SameSite=Lax',
    ],
  },
  {
    title: 'a path',
    cookie: { path: '/auth' },
    lines: [
      '__Secure-access; Path=/auth; HttpOnly; Secure; SameSite=Lax',
      '__Secure-refresh; Path=/auth; HttpOnly; Secure; SameSite=Strict',
      '__Secure-csrf; Path=/auth; Secure; SameSite=Lax',
    ],
  },
  {
    title: 'another SameSite',
    cookie: { sameSite: { access: 'strict', refresh: 'lax' } },
    lines: [
      '__Host-access; Path=/; HttpOnly; Secure; SameSite=Strict',
      '__Host-refresh; Path=/; HttpOnly; Secure; SameSite=Lax',
      '__Host-csrf; Path=/; Secure; SameSite=Strict',
    ],
  },
  {
    title: 'a frame of another site',
    cookie: { sameSite: { access: 'none', refresh: 'none' }, partitioned: true },
    lines: [
      '__Host-access; Path=/; HttpOnly; Secure; Partitioned; SameSite=None',
      '__Host-refresh; Path=/; HttpOnly; Secure; Partitioned; SameSite=None',
      '__Host-csrf; Path=/; Secure; Partitioned; SameSite=None',
    ],
  },
  {
    title: 'plain http during development',
    cookie: { insecure: true },
    site: HTTP,
    lines: ['access; Path=/; HttpOnly; SameSite=Lax', 'refresh; Path=/; HttpOnly; SameSite=Strict', 'csrf; Path=/; SameSite=Lax'],
  },
  {
    title: 'names of the application',
    cookie: { access: 'at', refresh: '__Secure-rt', csrf: '__Host-xsrf' },
    lines: [
      'at; Path=/; HttpOnly; Secure; SameSite=Lax',
      '__Secure-rt; Path=/; HttpOnly; Secure; SameSite=Strict',
      '__Host-xsrf; Path=/; Secure; SameSite=Lax',
    ],
  },
];

describe.each(ADAPTERS)('cookies on %s', (adapter) => {
  let running: TestApp;
  let clock: FakeClock;
  afterEach(() => running.close());

  const start = async (options: Partial<TokenModuleRootOptions> = {}, site?: string): Promise<Browser> => {
    clock = new FakeClock();
    running = await startCookieApp(options, { adapter, clock, controllers: [RememberController] });
    return new Browser(running.port, { clock, ...(site !== undefined && { site }) });
  };
  const login = (browser: Browser): Promise<Answer> => browser.fetch('/auth/login', { method: 'POST' });
  const remember = (browser: Browser, persistent: boolean): Promise<Answer> =>
    browser.fetch('/auth/remember', { method: 'POST', body: { persistent } });

  describe.each(ATTRIBUTES)('CK-01 with $title', ({ cookie, site, lines }) => {
    it('have exactly the attributes of the options', async () => {
      const browser = await start({ cookie }, site);
      expect(linesOf(await login(browser))).toEqual(lines);
      clock.advance(HOUR);
      const refreshed = await browser.fetch('/auth/refresh', { method: 'POST' });
      expect([refreshed.status, linesOf(refreshed)]).toEqual([200, lines.slice(0, 2)]);
    });

    it('CK-05 are deleted with the same attributes, so that a browser keeps none', async () => {
      const browser = await start({ cookie }, site);
      await login(browser);
      expect(Object.keys(await browser.cookies('/auth/x'))).toHaveLength(3);
      const answer = await browser.fetch('/auth/logout', { method: 'POST' });
      expect([answer.status, linesOf(answer)]).toEqual([204, lines]);
      expect(answer.headers['set-cookie']?.every((line) => /^[\w-]+=; Max-Age=0;/.test(line))).toBe(true);
      expect(await browser.cookies('/auth/x')).toEqual({});
      expect(await running.app.get(RefreshService).sessions('alice')).toEqual([]);
    });
  });

  describe('CK-05 last', () => {
    it('as long as their tokens: the access token, and the session if nothing is refreshed', async () => {
      const answer = await login(await start());
      const { expires_in, refresh_expires_in } = answer.json<{ expires_in: number; refresh_expires_in: number }>();
      expect(lifetimesOf(answer)).toEqual({ '__Host-access': expires_in, '__Host-refresh': refresh_expires_in, '__Host-csrf': null });
      expect(refresh_expires_in).toBe((14 * DAY) / 1_000);
    });

    it('no longer than what is left of the absolute lifetime', async () => {
      const browser = await start({ refresh: { idleLifetime: '14d', absoluteLifetime: '20d' } });
      await login(browser);
      clock.advance(10 * DAY);
      expect(lifetimesOf(await browser.fetch('/me'))['__Host-refresh']).toBe((10 * DAY) / 1_000);
      clock.advance(10 * DAY - 5 * MINUTE);
      expect(lifetimesOf(await browser.fetch('/me'))).toEqual({ '__Host-access': 300, '__Host-refresh': 300 });
      clock.advance(5 * MINUTE);
      expect(Object.keys(await browser.cookies())).toEqual(['__Host-csrf']);
    });

    it('with the session: a refresh renews the refresh cookie too', async () => {
      const browser = await start();
      await login(browser);
      for (let week = 0; week < 4; week++) {
        clock.advance(13 * DAY);
        expect((await browser.fetch('/me')).status).toBe(200);
      }
    });
  });

  describe('“remember me”', () => {
    const ended = { '__Host-access': null, '__Host-refresh': null };

    it.each([
      ['the option `persistent: false`', { persistent: false }, login],
      ['`persistent: false` at the sign-in', {}, (browser: Browser) => remember(browser, false)],
    ] as const)('is off with %s: every cookie ends with the browser session, also after refreshes', async (_title, cookie, signIn) => {
      const browser = await start({ cookie });
      expect(lifetimesOf(await signIn(browser))).toEqual({ ...ended, '__Host-csrf': null });
      for (let round = 0; round < 3; round++) {
        clock.advance(HOUR);
        expect(lifetimesOf(await browser.fetch('/me'))).toEqual(ended);
        clock.advance(HOUR);
        expect(lifetimesOf(await browser.fetch('/auth/refresh', { method: 'POST' }))).toEqual(ended);
      }
      expect(Object.values(await browser.cookies()).map((one) => one.maxAge)).toEqual([null, null, null]);
    });

    it('is on with `persistent: true` at the sign-in, also after refreshes, whatever the option says', async () => {
      const browser = await start({ cookie: { persistent: false } });
      expect(lifetimesOf(await remember(browser, true))['__Host-refresh']).toBe((14 * DAY) / 1_000);
      clock.advance(HOUR);
      const after = lifetimesOf(await browser.fetch('/me'));
      expect([after['__Host-refresh'], after['__Host-access']]).toEqual([(14 * DAY) / 1_000, expect.any(Number)]);
    });

    it('is chosen again at the next sign-in, which does as the options say if it says nothing', async () => {
      const browser = await start();
      await remember(browser, false);
      expect(lifetimesOf(await login(browser))['__Host-refresh']).toBe((14 * DAY) / 1_000);
    });

    it('does not change what the server accepts: a session cookie is good for the idle lifetime', async () => {
      const browser = await start({ cookie: { persistent: false } });
      await login(browser);
      clock.advance(13 * DAY);
      expect((await browser.fetch('/me')).status).toBe(200);
      clock.advance(14 * DAY + 1_000);
      expect((await browser.fetch('/me')).json()).toMatchObject({ errorCode: 'refresh_expired' });
    });

    it('is no text: signIn rejects what is no boolean', async () => {
      await start();
      await expect(running.app.get(RefreshService).signIn('alice', { persistent: 'no' as never })).rejects.toThrow(/^persistent: /);
    });

    it('is off in mixed mode too', async () => {
      const browser = await start({ transport: 'mixed', cookie: { persistent: false } });
      expect(lifetimesOf(await login(browser))).toEqual({ '__Host-refresh': null, '__Host-csrf': null });
      expect(lifetimesOf(await browser.fetch('/me'))).toEqual({ '__Host-refresh': null });
    });
  });
});

describe('resolveTokenOptions and cookies', () => {
  const resolve = (cookie: CookieOptions, others: object = {}) =>
    resolveTokenOptions(optionsWith({ transport: 'cookie', cookie, ...others }), 'default');
  const warningsOf = (cookie: CookieOptions, others: object = {}): readonly string[] => resolve(cookie, others).warnings;

  it.each([
    ['insecure', { insecure: true }, /^cookie\.insecure: .*plain http/],
    ['a domain', { domain: 'example.com' }, /^cookie\.domain: every subdomain of example\.com/],
    ['a path', { path: '/api' }, /^cookie: without the prefix __Host-/],
    ['names without the prefix', { access: 'at' }, /^cookie: without the prefix __Host- a subdomain can shadow at$/],
    ['SameSite None for the access token', { sameSite: { access: 'none' } }, /^cookie\.sameSite\.access: 'none'/],
    ['SameSite Lax for the refresh token', { sameSite: { refresh: 'lax' } }, /^cookie\.sameSite\.refresh: 'lax' is weaker/],
    ['SameSite None for the refresh token', { sameSite: { refresh: 'none' } }, /^cookie\.sameSite\.refresh: 'none' is weaker/],
  ] as const)('warn of %s once', (_title, cookie, warning) => {
    expect(warningsOf(cookie)).toEqual([expect.stringMatching(warning)]);
  });

  it('warn of nothing with the defaults, and of no cookie that is not used', () => {
    expect(warningsOf({})).toEqual([]);
    expect(warningsOf({ sameSite: { access: 'strict' }, partitioned: true, persistent: false })).toEqual([]);
    expect(warningsOf({ domain: 'example.com', sameSite: { refresh: 'lax' } }, { transport: 'header' })).toEqual([]);
    expect(warningsOf({ domain: 'example.com' }, { transport: 'mixed' })).toHaveLength(1);
    expect(warningsOf({ domain: 'example.com' }, { transport: 'header', locations: ['header', 'cookie'] })).toHaveLength(1);
  });

  it('CK-02 refuse SameSite=None without Secure, without the protection against other sites, and a prefix that does not fit', () => {
    const none = { sameSite: { refresh: 'none' } } as const;
    const refused: [Partial<TokenModuleRootOptions>, string][] = [
      [{ cookie: { ...none, insecure: true } }, 'cookie.sameSite.refresh'],
      [{ cookie: none, csrf: false }, 'csrf'],
      [{ cookie: { refresh: '__Host-refresh', domain: 'example.com' } }, 'cookie.refresh'],
    ];
    for (const [options, option] of refused) {
      expect(() => resolveTokenOptions(optionsWith({ transport: 'cookie', ...options }), 'default')).toThrow(new RegExp(`^${option}:`));
    }
    expect(() => resolveTokenOptions(optionsWith({ transport: 'cookie', cookie: none }), 'default')).not.toThrow();
  });

  it('warn where `csrf: false` leaves only SameSite', () => {
    expect(warningsOf({}, { csrf: false })).toEqual([expect.stringMatching(/^csrf: /)]);
  });

  describe('CF-05 with NODE_ENV=production', () => {
    const before = process.env.NODE_ENV;
    afterEach(() => {
      process.env.NODE_ENV = before;
    });

    it.each(['cookie', 'mixed', 'header'])('refuse cookies over plain http, also with transport: %s', (transport) => {
      process.env.NODE_ENV = 'production';
      expect(() => resolve({ insecure: true }, { transport })).toThrow(TokenOptionsError);
      expect(() => resolve({ insecure: true }, { transport })).toThrow(/^cookie\.insecure: .*https only/);
      expect(resolve({}, { transport }).transport.cookie.secure).toBe(true);
    });

    it('keep an application from starting', async () => {
      process.env.NODE_ENV = 'production';
      await expect(startCookieApp({ cookie: { insecure: true } })).rejects.toMatchObject({ option: 'cookie.insecure' });
    });
  });

  it('appear in the log at start-up', async () => {
    const log = new CapturedLog();
    const { app, close } = await startCookieApp({ cookie: { insecure: true } }, { prepare: (made) => made.useLogger(log) });
    expect(log.of('warn')).toEqual([expect.stringContaining('cookie.insecure')]);
    expect(app).toBeDefined();
    await close();
  });
});

/** `Set-Cookie` lines without values and lifetimes. */
function linesOf({ headers }: Answer): string[] {
  return (headers['set-cookie'] ?? []).map((line) => line.replace(/=[^;]*/, '').replace(/; Max-Age=\d+/, ''));
}

/** `Max-Age` of each cookie, null if it ends with the browser session. */
function lifetimesOf({ headers }: Answer): Record<string, number | null> {
  const entries = (headers['set-cookie'] ?? []).map((line): [string, number | null] => {
    const seconds = /; Max-Age=(\d+)/.exec(line)?.[1];
    return [line.slice(0, line.indexOf('=')), seconds === undefined ? null : Number(seconds)];
  });
  return Object.fromEntries(entries);
}
