import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';
import { CurrentUser, JwtAuthGuard } from 'nestjs-token';
import { FakeClock } from 'nestjs-token/testing';
import type { TestApp } from '../support/app.js';
import { ADAPTERS, bearing, cookieNamesOf } from '../support/app.js';
import { Browser } from '../support/browser.js';
import type { StatelessOptions } from '../support/stateless-app.js';
import { signIn, startStatelessApp } from '../support/stateless-app.js';

const ACCESS = '__Host-access';
/** What happens while the handler works. */
let meanwhile: () => void | Promise<void> = () => undefined;

@Controller('slow')
class SlowController {
  @Get()
  @UseGuards(JwtAuthGuard)
  async work(@CurrentUser('sub') subject: string): Promise<object> {
    await meanwhile();
    return { subject };
  }
}

describe.each(ADAPTERS)('a late response with access.sliding, on %s', (adapter) => {
  let running: TestApp;
  /** How far `performance.now()` is ahead. */
  let skipped = 0;
  beforeEach(() => {
    skipped = 0;
    const now = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => now() + skipped);
  });
  afterEach(async () => {
    meanwhile = () => undefined;
    await running.close();
    jest.restoreAllMocks();
  });

  const start = async (options: StatelessOptions) => {
    const clock = new FakeClock();
    const access = { lifetime: '15m', jitter: 0, sliding: true } as const;
    running = await startStatelessApp({ ...options, access }, { adapter, clock, controllers: [SlowController] });
    return { clock, browser: new Browser(running.port, { clock }) };
  };
  const signedIn = async () => {
    const { clock, browser } = await start({ transport: 'cookie' });
    const pass = (ms: number): void => {
      skipped += ms;
      clock.advance(ms);
    };
    const login = (subject: string) => browser.fetch('/auth/login', { method: 'POST', body: { subject } });
    await login('alice');
    clock.advance('10m');
    return { browser, login, pass };
  };

  it('does not undo a sign-out of the browser in cookie mode', async () => {
    const { browser, pass } = await signedIn();
    meanwhile = async () => {
      expect((await browser.fetch('/auth/logout', { method: 'POST' })).status).toBe(204);
      pass(2_001);
    };
    const late = await browser.fetch('/slow');
    expect([late.status, late.json(), cookieNamesOf(late)]).toEqual([200, { subject: 'alice' }, []]);
    expect(await browser.cookies()).toEqual({});
    expect((await browser.fetch('/me')).json()).toMatchObject({ errorCode: 'token_missing' });
  });

  it('does not replace the cookie of another user who has signed in since', async () => {
    const { browser, login, pass } = await signedIn();
    meanwhile = async () => {
      await browser.fetch('/auth/logout', { method: 'POST' });
      await login('bob');
      pass(2_001);
    };
    expect((await browser.fetch('/slow')).json()).toEqual({ subject: 'alice' });
    expect((await browser.fetch('/me')).json()).toMatchObject({ sub: 'bob' });
  });

  it('leaves the cookie as it is, and the next request replaces it', async () => {
    const { browser, pass } = await signedIn();
    const before = (await browser.cookies())[ACCESS]?.value;
    meanwhile = () => pass(2_001);
    expect(cookieNamesOf(await browser.fetch('/slow'))).toEqual([]);
    expect((await browser.cookies())[ACCESS]?.value).toBe(before);
    meanwhile = () => undefined;
    expect(cookieNamesOf(await browser.fetch('/slow'))).toEqual([ACCESS]);
  });

  it.each([
    [1_900, true],
    [2_001, false],
  ])('carries the new token in a header after %d ms: %p', async (ms, carries) => {
    const { clock } = await start({});
    const tokens = await signIn(running);
    clock.advance('10m');
    meanwhile = () => void (skipped += ms);
    const { status, headers } = await running.call('/slow', { headers: bearing(tokens) });
    expect([status, 'authorization' in headers, 'x-access-token-expires-in' in headers]).toEqual([200, carries, carries]);
  });

  it('always carries the token of a sign-in', async () => {
    await start({});
    const tokens = await signIn(running);
    skipped += 3_600_000;
    expect(tokens.deliverable).toBe('both');
  });
});
