import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RefreshService } from 'nestjs-token';
import type { TestApp } from '../support/app.js';
import { ADAPTERS } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { startCookieApp } from '../support/cookie-app.js';
import { FakeClock } from 'nestjs-token/testing';

const HOUR = 3_600_000;

describe.each(ADAPTERS)('Tokens in cookies, on %s', (adapter) => {
  const clock = new FakeClock();
  let app: TestApp;

  beforeAll(async () => {
    app = await startCookieApp({}, { adapter, clock });
  });
  afterAll(() => app.close());

  it('CK-01 sets cookies that no script reads, no subdomain replaces and no other site sends', async () => {
    const answer = await new Browser(app.port, { clock }).fetch('/auth/login', { method: 'POST' });
    expect(answer.status).toBe(200);
    expect(answer.headers['set-cookie']?.map((line) => line.replace(/=[^;]+/, '=').replace(/Age=8\d\d/, 'Age=800'))).toEqual([
      '__Host-access=; Max-Age=800; Path=/; HttpOnly; Secure; SameSite=Lax',
      '__Host-refresh=; Max-Age=1209600; Path=/; HttpOnly; Secure; SameSite=Strict',
      '__Host-csrf=; Path=/; Secure; SameSite=Lax',
    ]);
  });

  it('CK-03 puts the tokens into Set-Cookie and nowhere else', async () => {
    const browser = new Browser(app.port, { clock });
    const answer = await browser.fetch('/auth/login', { method: 'POST' });
    const { '__Host-access': access, '__Host-refresh': refresh } = await browser.cookies();
    const readable = JSON.stringify([answer.text, { ...answer.headers, 'set-cookie': undefined }]);
    for (const token of [access?.value, refresh?.value]) {
      expect(token?.length).toBeGreaterThan(40);
      expect(readable).not.toContain(token);
    }
    expect(answer.json()).toEqual({
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      refresh_expires_in: 1_209_600,
      session_id: expect.any(String),
    });
  });

  it('admits, refreshes inside the request, and signs out', async () => {
    const browser = new Browser(app.port, { clock });
    await browser.fetch('/auth/login', { method: 'POST' });
    const first = await browser.cookies();
    expect((await browser.fetch('/me')).json()).toMatchObject({ sub: 'alice' });
    clock.advance(HOUR);
    expect(Object.keys(await browser.cookies())).toEqual(['__Host-refresh', '__Host-csrf']);
    const refreshed = await browser.fetch('/me');
    expect([refreshed.status, refreshed.headers['cache-control']]).toEqual([200, 'no-store']);
    expect((await browser.cookies())['__Host-refresh']?.value).not.toBe(first['__Host-refresh']?.value);
    expect((await browser.fetch('/auth/logout', { method: 'POST' })).status).toBe(204);
    expect(await browser.cookies()).toEqual({});
    expect((await browser.fetch('/me')).json()).toMatchObject({ errorCode: 'token_missing' });
    expect(await app.app.get(RefreshService).sessions('alice')).not.toContainEqual(
      expect.objectContaining({ sessionId: refreshed.json().sid }),
    );
  });

  it('deletes an access cookie that a late response of an ended session has left, and keeps the session of the refresh cookie', async () => {
    const [old, browser] = [new Browser(app.port, { clock }), new Browser(app.port, { clock })];
    const { session_id: ended } = (await old.fetch('/auth/login', { method: 'POST' })).json<{ session_id: string }>();
    await browser.fetch('/auth/login', { method: 'POST' });
    const leftOver = (await old.cookies())['__Host-access'];
    await browser.jar.setCookie(`${leftOver?.cookieString()}; Path=/; Secure; HttpOnly`, browser.site);
    await app.app.get(RefreshService).revoke(ended);
    const refused = await browser.fetch('/me');
    expect([refused.status, refused.json().errorCode]).toEqual([401, 'session_mismatch']);
    expect(Object.keys(await browser.cookies())).toEqual(['__Host-refresh', '__Host-csrf']);
    expect((await browser.fetch('/me')).status).toBe(200);
  });
});
