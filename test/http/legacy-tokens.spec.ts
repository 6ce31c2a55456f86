import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Body, Controller, Get, HttpCode, Logger, Post, UseGuards } from '@nestjs/common';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import jwt from 'jsonwebtoken';
import type { LegacyAccess, LegacySession, Principal, SessionInfo, TokenModuleRootOptions, TokenPair } from 'nestjs-token';
import { CurrentSession, CurrentUser, Fresh, JwtAuthGuard, OptionalAuth, RefreshService } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import type { AdapterName, Answer, AppSetup, TestApp } from '../support/app.js';
import { ADAPTERS, bearing, expired, MeController, SECRET, startApp } from '../support/app.js';
import { CapturedLog } from '../support/captured-log.js';

const UNTIL = new Date(Date.now() + 30 * 86_400_000);
/** For a clock that starts in 2030. */
const LATER = '2030-02-01';
const OLD_REFRESH = 'old-refresh-token-of-alice-Zk3vQ8sDy6HgT1bNx5RcU7eM';

@Controller()
@UseGuards(JwtAuthGuard)
class Routes {
  @Get('session')
  session(@CurrentSession() session: SessionInfo): SessionInfo {
    return session;
  }

  @Get('vault')
  @Fresh('5m')
  vault(): string {
    return 'gold';
  }

  @Get('optional')
  @OptionalAuth()
  optional(@CurrentUser() user: Principal | undefined): object {
    return { sub: user?.sub ?? null };
  }
}

/** What an application writes for clients that refresh and sign out explicitly. */
@Controller('auth')
class AuthRoutes {
  constructor(private readonly refresh: RefreshService) {}

  @Post('refresh')
  @HttpCode(200)
  async rotate(@Body('refresh_token') token: string): Promise<TokenPair> {
    return (await this.refresh.rotate(token)).pair;
  }

  @Post('logout')
  @HttpCode(204)
  logout(@Body('refresh_token') token: string): Promise<void> {
    return this.refresh.signOut(token);
  }
}

/** An access token as the old application signed it, with the secret that the module has now: the hardest case. */
const oldAccess = (expiresIn = 900): string => jwt.sign({ sub: 'alice', roles: ['admin'] }, SECRET, { expiresIn });
/** What a client of the old application sends once its access token is due. */
const due = (): Record<string, string> => ({ authorization: `Bearer ${oldAccess(-10)}`, 'x-refresh-token': OLD_REFRESH });

function verifyOld(token: string): LegacyAccess {
  const { sub, roles } = jwt.verify(token, SECRET, { algorithms: ['HS256'] }) as { sub: string; roles: string[] };
  return { subject: sub, claims: { roles } };
}

interface Bridge {
  readonly adapter: AdapterName;
  readonly setup?: AppSetup;
  readonly options?: Partial<TokenModuleRootOptions>;
  readonly exchange?: (token: string) => Promise<LegacySession | null> | LegacySession | null;
}

const running: TestApp[] = [];
let log: CapturedLog;
beforeEach(() => {
  log = new CapturedLog();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.close()));
  Logger.overrideLogger(['log', 'error', 'warn', 'debug', 'verbose', 'fatal']);
  expect(log.lines.join('\n')).not.toContain(OLD_REFRESH);
});

async function bridge({ adapter, setup = {}, options = {}, exchange: act }: Bridge) {
  const verify = jest.fn(verifyOld);
  const exchange = jest.fn(act ?? ((token: string) => (token === OLD_REFRESH ? { subject: 'alice', claims: { roles: ['admin'] } } : null)));
  const legacy = { until: options.repository ? LATER : UNTIL, verify, exchange };
  const controllers = [MeController, Routes, AuthRoutes];
  const override: AppSetup['override'] = (builder) => builder.setLogger(log);
  const app = await startApp({ adapter, controllers, override, ...setup, options: { legacy, ...options } });
  running.push(app);
  return { ...app, verify, exchange, refresh: app.app.get(RefreshService) };
}

/** The pair on a response, as headers of the next request. */
function nextOf({ headers }: Answer): Record<string, string> {
  return { authorization: String(headers['authorization']), 'x-refresh-token': String(headers['x-refresh-token']) };
}

describe.each(ADAPTERS)('an old access token on %s', (adapter) => {
  it('lets a request pass as a principal without a session, and no tokens are sent back', async () => {
    const { call } = await bridge({ adapter });
    const answer = await call('/me', { headers: { authorization: `Bearer ${oldAccess()}`, 'x-refresh-token': OLD_REFRESH } });
    expect([answer.status, answer.headers['x-refresh-token']]).toEqual([200, undefined]);
    expect(answer.json()).toMatchObject({ sub: 'alice', roles: ['admin'] });
    expect(answer.json()).not.toHaveProperty('sid');
  });

  it('tells routes that the session and the sign-in are not known', async () => {
    const { call } = await bridge({ adapter });
    const headers = { authorization: `Bearer ${oldAccess()}` };
    expect((await call('/session', { headers })).json()).toEqual({ subject: 'alice', authTime: 0, claims: { roles: ['admin'] } });
    expect((await call('/vault', { headers })).json()).toMatchObject({ errorCode: 'fresh_token_required' });
  });

  it('is given to loadUser like any other', async () => {
    const loadUser = jest.fn((subject: string) => (subject === 'alice' ? { name: 'Alice' } : null));
    const { call, verify } = await bridge({ adapter, options: { loadUser } });
    expect((await call('/me', { headers: { authorization: `Bearer ${oldAccess()}` } })).json()).toMatchObject({ user: { name: 'Alice' } });
    verify.mockReturnValue({ subject: 'bob' });
    const answer = await call('/me', { headers: { authorization: 'Bearer opaque' } });
    expect([answer.status, answer.json()['errorCode']]).toEqual([401, 'user_rejected']);
  });

  it('is refused without a refresh token if it is bad, also on a route with optional authentication', async () => {
    const { call } = await bridge({ adapter });
    for (const [token, errorCode] of [
      [oldAccess(-10), 'token_expired'],
      ['opaque', 'token_invalid'],
    ] as const) {
      const answer = await call('/optional', { headers: { authorization: `Bearer ${token}` } });
      expect([answer.status, answer.json()]).toEqual([401, expect.objectContaining({ errorCode })]);
      expect(answer.headers['www-authenticate']).toContain('error="invalid_token"');
    }
  });

  it('is 500 if the hook fails, and 503 if it hangs, and neither presents the refresh token', async () => {
    const { call, verify, exchange } = await bridge({ adapter, options: { hookTimeout: '100ms' } });
    verify.mockImplementation(() => {
      throw new Error('boom');
    });
    const failed = await call('/me', { headers: due() });
    expect([failed.status, failed.json()['errorCode']]).toEqual([500, 'hook_failed']);
    verify.mockImplementation(() => new Promise(() => undefined) as never);
    const late = await call('/me', { headers: due() });
    expect([late.status, late.json()['errorCode'], late.headers['retry-after']]).toEqual([503, 'hook_timeout', '1']);
    expect(exchange).not.toHaveBeenCalled();
  });

  it('is refused from the end of the bridge on', async () => {
    const clock = new FakeClock(Date.now());
    const { call, verify } = await bridge({ adapter, setup: { clock } });
    verify.mockReturnValue({ subject: 'alice' });
    const headers = { authorization: 'Bearer opaque', 'x-refresh-token': OLD_REFRESH };
    clock.set(UNTIL.getTime() - 1);
    expect((await call('/me', { headers })).status).toBe(200);
    clock.advance(1);
    expect((await call('/me', { headers })).json()).toMatchObject({ errorCode: 'token_malformed' });
    expect(verify).toHaveBeenCalledTimes(1);
  });
});

describe.each(ADAPTERS)('an old refresh token on %s', (adapter) => {
  it('refreshes inside the request if the old access token has expired, is opaque, or is missing', async () => {
    const { call, verify } = await bridge({ adapter });
    verify.mockImplementation((token) => (token === 'opaque' ? (null as never) : verifyOld(token)));
    for (const authorization of [`Bearer ${oldAccess(-10)}`, 'Bearer opaque', undefined]) {
      const answer = await call('/me', { headers: { ...(authorization && { authorization }), 'x-refresh-token': OLD_REFRESH } });
      expect([answer.status, answer.json()]).toEqual([200, expect.objectContaining({ sub: 'alice', roles: ['admin'] })]);
      expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'x-refresh-token': expect.stringMatching(/^ntr_/) });
      const { sub, sid } = (await call('/me', { headers: nextOf(answer) })).json();
      expect([sub, sid]).toEqual(['alice', answer.json()['sid']]);
    }
  });

  it('refreshes inside the request without a verify hook too', async () => {
    const exchange = () => ({ subject: 'alice' });
    const { call } = await bridge({ adapter, options: { legacy: { until: UNTIL, exchange } } });
    expect((await call('/me', { headers: due() })).json()).toMatchObject({ sub: 'alice' });
    expect((await call('/me', { headers: { authorization: `Bearer ${oldAccess()}` } })).json()).toMatchObject({
      errorCode: 'token_invalid',
    });
  });

  it('is exchanged once for 20 parallel requests over two applications', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'legacy-'));
    const database = join(folder, 'sessions.db');
    const nodes = [await bridge({ adapter, setup: { database } }), await bridge({ adapter, setup: { database } })];
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => nodes[index % 2]!.call('/me', { headers: due() })));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map(({ headers }) => headers['x-refresh-token'])).size).toBe(1);
    expect(await nodes[0]!.refresh.sessions('alice')).toHaveLength(1);
    for (const { exchange } of nodes) expect(exchange.mock.calls.length).toBeLessThanOrEqual(1);
    await Promise.all(running.splice(0).map((app) => app.close()));
    rmSync(folder, { recursive: true });
  });

  it('survives a lost response: the retry gets the same successor, even if the application has deleted its old token', async () => {
    const { call, exchange } = await bridge({ adapter });
    const lost = await call('/me', { headers: due() });
    exchange.mockReturnValue(null);
    const retried = await call('/me', { headers: due() });
    expect([retried.status, retried.headers['x-refresh-token']]).toEqual([200, lost.headers['x-refresh-token']]);
    expect(exchange).toHaveBeenCalledTimes(1);
  });

  it('works at an explicit refresh too, and its session ends if it comes back after its successor was used', async () => {
    const clock = new FakeClock();
    const { call } = await bridge({ adapter, setup: { clock }, options: { repository: InMemoryTokenRepository } });
    const refresh = (token: unknown) => call('/auth/refresh', { method: 'POST', body: { refresh_token: token } });
    const first = (await refresh(OLD_REFRESH)).json<{ refresh_token: string }>();
    clock.advance('1h');
    const second = (await refresh(first.refresh_token)).json<{ refresh_token: string }>();
    expect(second.refresh_token).toMatch(/^ntr_/);
    clock.advance('1h');
    expect((await refresh(OLD_REFRESH)).json()).toMatchObject({ errorCode: 'refresh_reused', signIn: true });
    expect((await refresh(second.refresh_token)).json()).toMatchObject({ errorCode: 'session_revoked' });
  });

  it('is refresh_invalid if the hook says no, and the user must sign in', async () => {
    const { call } = await bridge({ adapter, exchange: () => null });
    const answer = await call('/me', { headers: due() });
    expect([answer.status, answer.json()]).toEqual([401, expect.objectContaining({ errorCode: 'refresh_invalid', signIn: true })]);
  });

  it('is 500 or 503 if the hook fails or hangs, without a sign-out, and works when the hook does', async () => {
    const { call, exchange } = await bridge({ adapter, options: { hookTimeout: '100ms' } });
    exchange.mockImplementationOnce(() => Promise.reject(new Error(`cannot find ${OLD_REFRESH}`)));
    exchange.mockImplementationOnce(() => new Promise(() => undefined));
    const [failed, late] = [await call('/me', { headers: due() }), await call('/me', { headers: due() })];
    expect([failed.status, failed.json()['errorCode'], failed.json()['signIn']]).toEqual([500, 'hook_failed', undefined]);
    expect([late.status, late.json()['errorCode'], late.headers['retry-after']]).toEqual([503, 'hook_timeout', '1']);
    expect((await call('/me', { headers: due() })).status).toBe(200);
    expect(log.of('error')).toEqual([
      expect.stringMatching(/hook_failed: legacy\.exchange .*it contains the token/s),
      expect.stringMatching(/hook_timeout: legacy\.exchange/),
    ]);
  });

  it('is worthless after a sign-out with it, whether it was exchanged before or not', async () => {
    const { call } = await bridge({ adapter, exchange: () => ({ subject: 'alice' }) });
    const answer = await call('/me', { headers: due() });
    const logout = (token: string) => call('/auth/logout', { method: 'POST', body: { refresh_token: token } });
    expect((await logout(OLD_REFRESH)).status).toBe(204);
    expect((await call('/me', { headers: nextOf(answer) })).json()).toMatchObject({ errorCode: 'token_revoked' });
    expect((await logout('another-old-token')).status).toBe(204);
    const again = await call('/me', { headers: { ...due(), 'x-refresh-token': 'another-old-token' } });
    expect(again.json()).toMatchObject({ errorCode: 'session_revoked' });
  });

  it('never takes the place of the session of an access token of this module', async () => {
    const { call, refresh, app, exchange } = await bridge({ adapter });
    const pair = expired(app, await refresh.signIn('bob'));
    const answer = await call('/me', { headers: { ...bearing(pair), 'x-refresh-token': OLD_REFRESH } });
    expect([answer.status, answer.json()['errorCode'], exchange.mock.calls]).toEqual([401, 'session_mismatch', []]);
  });

  it('is refused from the end of the bridge on, unless it has a session', async () => {
    const clock = new FakeClock(Date.now());
    const { call, exchange } = await bridge({ adapter, setup: { clock }, exchange: () => ({ subject: 'alice' }) });
    const lost = await call('/me', { headers: { 'x-refresh-token': OLD_REFRESH } });
    clock.set(UNTIL.getTime());
    const retried = await call('/me', { headers: { 'x-refresh-token': OLD_REFRESH } });
    expect(retried.headers['x-refresh-token']).toBe(lost.headers['x-refresh-token']);
    const late = await call('/me', { headers: { 'x-refresh-token': 'another-old-token' } });
    expect([late.json()['errorCode'], exchange.mock.calls.length]).toEqual(['refresh_invalid', 1]);
  });
});

describe.each(ADAPTERS)('a token of this module on %s, while a bridge is open whose old secret is the same', (adapter) => {
  it('is expired, revoked or forged as ever, and the hooks are not asked', async () => {
    const { call, refresh, app, verify, exchange } = await bridge({ adapter });
    const pair = await refresh.signIn('alice');
    const { accessToken } = expired(app, pair);
    const only = (token: string) => call('/me', { headers: { authorization: `Bearer ${token}` } });
    expect((await only(accessToken)).json()).toMatchObject({ errorCode: 'token_expired' });
    await refresh.revoke(pair.sessionId);
    const answer = await call('/me', { headers: { ...bearing(pair), 'x-refresh-token': OLD_REFRESH } });
    expect(answer.json()).toMatchObject({ errorCode: 'token_revoked', signIn: true });
    expect((await only(`${pair.accessToken.slice(0, -4)}AAAA`)).json()).toMatchObject({ errorCode: 'token_invalid' });
    expect((await call('/me', { headers: { 'x-refresh-token': pair.accessToken } })).json()).toMatchObject({
      errorCode: 'refresh_invalid',
    });
    expect([verify.mock.calls, exchange.mock.calls]).toEqual([[], []]);
  });
});
