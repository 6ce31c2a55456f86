import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { ADAPTERS } from '../support/app.js';
import { Browser } from '../support/browser.js';
import type { RunningSample } from '../support/process/sample.js';
import { CompiledSample, PASSWORD } from '../support/process/sample.js';
import { cookieApi, mixedApi } from './tutorial/interceptors.js';
import { Page } from './tutorial/page.js';

const TABS = 20;
const LIFETIME_MS = 2_000;
const GRACE_MS = 500;
const REFRESH = '__Host-refresh';
const APIS = { cookie: cookieApi, mixed: mixedApi };
const CASES = ADAPTERS.flatMap((adapter) => (['cookie', 'mixed'] as const).map((mode) => [mode, adapter] as const));

let compiled: CompiledSample;
beforeAll(() => void (compiled = new CompiledSample()));
afterAll(() => compiled.dispose());

describe.each(CASES)('the axios interceptor of tutorials, tokens: %s, on %s', (mode, HTTP_ADAPTER) => {
  let sample: RunningSample;
  let browser: Browser;
  let pages: Page[];

  beforeAll(async () => {
    const lifetimes = { ACCESS_LIFETIME: `${LIFETIME_MS}ms`, ACCESS_LEEWAY: '0', REFRESH_GRACE: `${GRACE_MS}ms` };
    sample = await compiled.start({ HTTP_ADAPTER, TOKEN_TRANSPORT: mode, ...lifetimes });
  }, 60_000);
  beforeEach(() => {
    browser = new Browser(sample.port);
    pages = [];
  });

  const signIn = async (device = browser): Promise<unknown> => {
    const answer = await device.fetch('/auth/login', { method: 'POST', body: { username: 'alice', password: PASSWORD } });
    return answer.json()['session_id'];
  };
  /** Loads a page. The browser forgets what the page before had in variables. */
  const load = (): Page => {
    const page = new Page(browser, APIS[mode]);
    pages.push(page);
    return page;
  };
  const statuses = async (page: Page, path = '/me'): Promise<Set<unknown>> =>
    new Set((await Promise.all(Array.from({ length: TABS }, () => page.get(path)))).map(({ status }) => status));
  const expectSignedIn = async (sessionId: unknown): Promise<void> => {
    const page = load();
    await page.api.restore();
    expect((await page.get('/me')).data['sid']).toBe(sessionId);
    expect(pages.flatMap(({ visits }) => visits)).toEqual([]);
  };

  it(`gets 200 for ${TABS} parallel requests, each time the access token has expired`, async () => {
    const sessionId = await signIn();
    const page = load();
    await page.api.restore();
    for (let round = 0; round < 3; round++) {
      expect(await statuses(page)).toEqual(new Set([200]));
      await delay(LIFETIME_MS + 100);
    }
    await expectSignedIn(sessionId);
  });

  it('stays signed in when pages are loaded again while their requests are under way', async () => {
    const sessionId = await signIn();
    for (let reload = 0; reload < 5; reload++) {
      const page = load();
      const restored = page.api.restore().catch(() => 'lost');
      const requests = Array.from({ length: TABS }, (_, index) => page.get(index % 2 === 0 ? '/me' : '/slow?ms=50').catch(() => 'lost'));
      await delay(5 + 40 * reload);
      page.unload();
      await Promise.all([restored, ...requests]);
      await delay(LIFETIME_MS / 4);
    }
    await expectSignedIn(sessionId);
  });

  it('stays signed in when reload after reload loses the response of a refresh, within the grace period and after it', async () => {
    const sessionId = await signIn();
    await delay(LIFETIME_MS + 100);
    const before = (await browser.cookies())[REFRESH]?.value;
    for (let reload = 0; reload < 12; reload++) {
      const page = load();
      // The guard refreshes before the handler waits, so that the server has rotated and the browser never learns of it.
      const requests = Array.from({ length: TABS }, () => page.get('/slow?ms=2000').catch(() => 'lost'));
      await delay(150);
      page.unload();
      expect(new Set(await Promise.all(requests))).toEqual(new Set(['lost']));
      if (reload % 4 === 3) await delay(2 * GRACE_MS);
    }
    expect((await browser.cookies())[REFRESH]?.value).toBe(before);
    await expectSignedIn(sessionId);
    expect((await browser.cookies())[REFRESH]?.value).not.toBe(before);
  });

  it('refreshes after a 401 and repeats all requests where the browser does not say where a GET comes from', async () => {
    browser = new Browser(sample.port, { kind: 'old' });
    const sessionId = await signIn();
    await delay(LIFETIME_MS + 100);
    const page = load();
    expect(await statuses(page)).toEqual(new Set([200]));
    expect(new Set(page.traffic)).toEqual(new Set(['GET /me 401', 'POST /auth/refresh 200', 'GET /me 200']));
    expect(page.traffic.filter((line) => line === 'GET /me 401')).toHaveLength(TABS);
    await expectSignedIn(sessionId);
  });

  it('goes to the sign-in page once when the session has ended, and a new sign-in works', async () => {
    await signIn();
    const page = load();
    await page.api.restore();
    const otherDevice = new Browser(sample.port);
    await signIn(otherDevice);
    expect((await otherDevice.fetch('/auth/logout-all', { method: 'POST' })).status).toBe(204);
    const results = await Promise.allSettled(Array.from({ length: TABS }, () => page.get('/me')));
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['rejected']));
    expect(page.visits).toEqual(['/login']);
    pages = [];
    await expectSignedIn(await signIn());
  });
});
