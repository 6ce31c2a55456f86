import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, HttpCode, Post, Req, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import type { Principal, TokenModuleRootOptions } from 'nestjs-token';
import { RefreshService } from 'nestjs-token';
import { expiredPair, FakeClock, signInAs, tokenHeaders } from 'nestjs-token/testing';
import type { TestApp } from '../support/app.js';
import { ADAPTERS } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { startCookieApp } from '../support/cookie-app.js';

@Controller('legacy')
@UseGuards(AuthGuard('jwt'))
class LegacyController {
  @Get()
  read(@Req() { user }: { user: Principal }): Principal {
    return user;
  }

  @Post()
  @HttpCode(200)
  write(@Req() { user }: { user: Principal }): object {
    return { subject: user.sub };
  }
}

describe.each(ADAPTERS)("AuthGuard('jwt') of passport where tokens travel in cookies, on %s", (adapter) => {
  const clock = new FakeClock();
  let running: TestApp;
  afterEach(() => running.close());
  const start = async (options: Partial<TokenModuleRootOptions> = {}): Promise<Browser> => {
    running = await startCookieApp({ passportStrategy: 'jwt', ...options }, { adapter, clock, controllers: [LegacyController] });
    const browser = new Browser(running.port, { clock });
    await browser.fetch('/auth/login', { method: 'POST' });
    return browser;
  };

  it('admits a browser with the cookie, and nobody without it', async () => {
    const browser = await start();
    expect((await browser.fetch('/legacy')).json()).toMatchObject({ sub: 'alice', roles: ['reader'] });
    expect((await browser.fetch('/legacy', { method: 'POST' })).json()).toEqual({ subject: 'alice' });
    expect((await running.call('/legacy')).status).toBe(401);
  });

  it('refuses what another site sends with the cookie, as our guard does', async () => {
    const browser = await start();
    const cookie = Object.values(await browser.cookies())
      .map((one) => one.cookieString())
      .join('; ');
    const forged = await browser.fetch('/legacy', { method: 'POST', from: 'https://evil.example', headers: { cookie } });
    const subdomain = await browser.fetch('/legacy', { method: 'POST', from: 'https://blog.example.com' });
    for (const answer of [forged, subdomain]) {
      expect([answer.status, answer.json().errorCode, answer.headers['set-cookie']]).toEqual([403, 'csrf_failed', undefined]);
    }
    expect((await browser.fetch('/legacy', { method: 'POST' })).status).toBe(200);
  });

  it('needs the CSRF token where the client does not say where it comes from', async () => {
    await start();
    const { headers } = await signInAs(running.app, 'alice');
    const { 'X-CSRF-Token': _, ...others } = headers;
    const { headers: bob } = await signInAs(running.app, 'bob');
    const statuses = [headers, others, { ...others, 'X-CSRF-Token': bob['X-CSRF-Token'] ?? '' }].map(
      async (sent) => (await running.call('/legacy', { method: 'POST', headers: sent })).status,
    );
    expect(await Promise.all(statuses)).toEqual([200, 403, 403]);
    expect((await running.call('/legacy', { headers: others })).status).toBe(200);
  });

  it('does not check where it is switched off, and needs no CSRF token for an access token in a header', async () => {
    await start({ csrf: false });
    const { Cookie = '' } = (await signInAs(running.app, 'alice')).headers;
    expect((await running.call('/legacy', { method: 'POST', headers: { Cookie } })).status).toBe(200);
    await running.close();
    await start({ transport: 'mixed' });
    const { Authorization = '' } = (await signInAs(running.app, 'alice')).headers;
    const headers = { Authorization, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' };
    expect((await running.call('/legacy', { method: 'POST', headers })).status).toBe(200);
  });

  it('does not refresh, and leaves the cookies alone: that is what our guard is for', async () => {
    await start();
    const pair = await expiredPair(running.app, 'alice');
    const answer = await running.call('/legacy', { headers: tokenHeaders(running.app, pair) });
    expect([answer.status, answer.headers['set-cookie']]).toEqual([401, undefined]);
    expect(await running.app.get(RefreshService).rotate(pair.refreshToken)).toMatchObject({ outcome: 'rotated' });
  });
});
