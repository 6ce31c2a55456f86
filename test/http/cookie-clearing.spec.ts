import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  Controller,
  ForbiddenException,
  Get,
  Header,
  HttpCode,
  Post,
  UnauthorizedException,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import type { Principal } from 'nestjs-token';
import {
  ClearTokens,
  CurrentUser,
  JwtAuthGuard,
  RefreshService,
  RefreshToken,
  RefreshTokenGuard,
  TokenInterceptor,
  TokenPair,
  TokenRepository,
  UserRejected,
} from 'nestjs-token';
import { expiredPair, FakeClock, issueTestPair, tokenHeaders } from 'nestjs-token/testing';
import type { AdapterName, Answer, TestApp } from '../support/app.js';
import { ADAPTERS } from '../support/app.js';
import { Browser } from '../support/browser.js';
import { startCookieApp } from '../support/cookie-app.js';

@Controller()
@UseGuards(JwtAuthGuard)
class RefusingController {
  @Get('own/:verdict')
  refuse(@CurrentUser() user: Principal): never {
    throw user.sub === 'alice' ? new UnauthorizedException() : new ForbiddenException();
  }

  @Post('end')
  @HttpCode(204)
  @Header('Cache-Control', 'public, max-age=600')
  @ClearTokens()
  @UseInterceptors(TokenInterceptor)
  end(): void {}

  @Post('end-all')
  @HttpCode(204)
  @ClearTokens('cache', 'storage')
  @UseInterceptors(TokenInterceptor)
  endAll(): void {}

  @Post('cannot-end')
  @ClearTokens('cache')
  @UseInterceptors(TokenInterceptor)
  cannotEnd(): never {
    throw new ForbiddenException();
  }
}

@Controller()
class SigningOutController {
  constructor(private readonly refresh: RefreshService) {}

  @Post('again-and-out')
  @HttpCode(204)
  @ClearTokens()
  @UseGuards(RefreshTokenGuard)
  @UseInterceptors(TokenInterceptor)
  async out(@RefreshToken() token?: string): Promise<void> {
    await this.refresh.signOut(token);
  }
}

const MODES = ['cookie', 'mixed'] as const;
const CASES = MODES.flatMap((mode) => ADAPTERS.map((adapter): [typeof mode, AdapterName] => [mode, adapter]));
const VARY = expect.stringMatching(/Authorization, Cookie, Origin, Sec-Fetch-Site/);
const CLEARED = ['__Host-access=', '__Host-refresh=', '__Host-csrf='];

describe.each(CASES)('the cookies of a browser in %s mode on %s', (mode, adapter) => {
  const clock = new FakeClock();
  let running: TestApp;
  /** What the hook does when a pair is issued or a user is loaded. */
  let load: () => object | Promise<object> = () => ({});
  beforeAll(async () => {
    const options = { transport: mode, loadUser: () => load(), hookTimeout: '100ms', refresh: { limit: { max: 5, per: '1h' } } } as const;
    running = await startCookieApp(options, { adapter, clock, controllers: [RefusingController, SigningOutController] });
    running.app.useLogger(false);
  });
  afterAll(() => running.close());
  beforeEach(() => {
    load = () => ({});
    jest.restoreAllMocks();
  });

  const refresh = () => running.app.get(RefreshService);
  const call = (pair: TokenPair, path = '/me', method = 'GET'): Promise<Answer> =>
    running.call(path, { method, headers: tokenHeaders(running.app, pair) });
  const oneThatFails = (verb: 'rotate' | 'revoke'): unknown =>
    jest.spyOn(running.app.get(TokenRepository, { strict: false }), verb).mockRejectedValue(new Error('the database is gone'));
  /** What the response does with the cookies: it leaves them alone, renews or clears them. */
  const fateOf = ({ headers }: Answer): string => {
    const lines = headers['set-cookie'] ?? [];
    // CK-07: whatever it does with our cookies, no cache may repeat it to somebody else.
    if (lines.length > 0) expect([headers['cache-control'], headers.pragma, headers.vary]).toEqual(['no-store', 'no-cache', VARY]);
    const cleared = lines.filter((line) => line.includes('Max-Age=0'));
    if (cleared.length === 0) return lines.length === 0 ? 'left alone' : 'renewed';
    return lines.length === 3 && CLEARED.every((name, index) => cleared[index]?.startsWith(`${name};`)) ? 'cleared' : lines.join('\n');
  };
  const told = (answer: Answer): unknown[] => [answer.status, answer.json().errorCode, fateOf(answer)];

  describe('CK-06 are cleared by a final verdict:', () => {
    it('session_revoked', async () => {
      const pair = await expiredPair(running.app, 'alice');
      await refresh().revoke(pair.sessionId);
      expect(told(await call(pair))).toEqual([401, 'session_revoked', 'cleared']);
    });

    it('refresh_reused', async () => {
      const pair = await expiredPair(running.app, 'alice');
      const stale = pair.refreshToken ?? '';
      let held: string | undefined = stale;
      for (let round = 0; round < 3; round++) {
        held = (await refresh().rotate(held)).pair.refreshToken ?? held;
        clock.advance(3_600_000);
      }
      expect(told(await call(pair))).toEqual([401, 'refresh_reused', 'cleared']);
    });

    it('refresh_expired and session_not_found', async () => {
      const pair = await expiredPair(running.app, 'alice');
      clock.advance(15 * 86_400_000);
      expect(told(await call(pair))).toEqual([401, 'refresh_expired', 'cleared']);
      clock.advance(90 * 86_400_000);
      await refresh().purge();
      const gone = told(await call(pair));
      expect([gone[0], gone[2]]).toEqual([401, 'cleared']);
    });

    it.each(['nonsense', `ntr_${'A'.repeat(52)}`])('refresh_invalid, for %s', async (token) => {
      const answer = await running.call('/me', { headers: { cookie: `__Host-refresh=${token}` } });
      expect(told(answer)).toEqual([401, 'refresh_invalid', 'cleared']);
    });

    it('user_rejected, when the user is gone', async () => {
      const pair = await expiredPair(running.app, 'alice');
      load = () => {
        throw new UserRejected();
      };
      // With an access token in a header, the next response clears them: the session has ended.
      const first = told(await call(pair));
      expect(first.slice(0, 2)).toEqual([401, 'user_rejected']);
      expect([first[2], fateOf(await call(pair))]).toEqual([mode === 'cookie' ? 'cleared' : 'left alone', 'cleared']);
    });

    it('token_revoked, if the access token came in a cookie as well', async () => {
      const pair = await issueTestPair(running.app, 'alice');
      await refresh().revoke(pair.sessionId);
      expect(told(await call(pair))).toEqual([401, 'token_revoked', mode === 'cookie' ? 'cleared' : 'left alone']);
    });

    it('and by the end of a handler with @ClearTokens()', async () => {
      const pair = await issueTestPair(running.app, 'alice');
      expect(fateOf(await call(pair, '/end', 'POST'))).toBe('cleared');
    });

    it('CK-12 together with other data of the site, if the route says so and its handler succeeds', async () => {
      const pair = await issueTestPair(running.app, 'alice');
      const [all, end, failed] = [
        await call(pair, '/end-all', 'POST'),
        await call(pair, '/end', 'POST'),
        await call(pair, '/cannot-end', 'POST'),
      ];
      expect([fateOf(all), all.headers['clear-site-data']]).toEqual(['cleared', '"cache", "storage"']);
      expect([end.headers['clear-site-data'], failed.headers['clear-site-data']]).toEqual([undefined, undefined]);
    });

    it('and by a sign-out, if tokens that were refreshed inside the request are on the response already', async () => {
      const pair = await expiredPair(running.app, 'alice');
      const answer = await call(pair, '/end', 'POST');
      expect([answer.status, fateOf(answer), answer.headers.authorization, answer.headers['x-access-token-expires-in']]).toEqual([
        204,
        'cleared',
        undefined,
        undefined,
      ]);
    });
  });

  it('CK-07 come with a response that no cache keeps, if a lost CSRF cookie is all that is renewed', async () => {
    const pair = await issueTestPair(running.app, 'alice');
    const { Cookie = '', ...others } = tokenHeaders(running.app, pair);
    const headers = { ...others, Cookie: Cookie.replace(/; __Host-csrf=.*/, '') };
    const answer = await running.call('/me', { headers });
    expect([answer.status, fateOf(answer), answer.headers['set-cookie']?.length]).toEqual([200, 'renewed', 1]);
  });

  describe('CK-06 are left alone by', () => {
    it('a store that is unavailable: 503, at a refresh and at a sign-out (RV-03)', async () => {
      const pair = await expiredPair(running.app, 'alice');
      oneThatFails('rotate');
      expect(told(await call(pair))).toEqual([503, 'store_unavailable', 'left alone']);
      oneThatFails('revoke');
      expect(told(await call(pair, '/again-and-out', 'POST'))).toEqual([503, 'store_unavailable', 'left alone']);
      jest.restoreAllMocks();
      expect(fateOf(await call(pair))).toBe('renewed');
    });

    it('a limit: 429', async () => {
      let pair = await expiredPair(running.app, 'alice');
      let answer: Answer | undefined;
      for (let round = 0; round < 12 && answer?.status !== 429; round++) {
        answer = await call(pair);
        const next = /__Host-refresh=([^;]+)/.exec(String(answer.headers['set-cookie']))?.[1];
        if (next) pair = withRefreshToken(pair, next);
        clock.advance(120_000);
      }
      expect(answer && told(answer)).toEqual([429, 'refresh_limited', 'left alone']);
    });

    it('a hook that takes too long, or fails: 503 and 500', async () => {
      const pair = await expiredPair(running.app, 'alice');
      load = () => new Promise<object>(() => undefined);
      expect(told(await call(pair))).toEqual([503, 'hook_timeout', 'left alone']);
      load = () => {
        throw new Error('a mistake');
      };
      expect(told(await call(pair))).toEqual([500, 'hook_failed', 'left alone']);
      load = () => ({});
      expect(fateOf(await call(pair))).toBe('renewed');
    });

    it('a failed CSRF check: 403', async () => {
      const { 'X-CSRF-Token': _, ...headers } = tokenHeaders(running.app, await expiredPair(running.app, 'alice'));
      expect(told(await running.call('/notes', { method: 'POST', headers }))).toEqual([403, 'csrf_failed', 'left alone']);
    });

    it.each(['bad signature', 'not a token', 'another type'])(
      'an access token with a fault that says nothing of the session: %s',
      async (what) => {
        const pair = await issueTestPair(running.app, 'alice');
        const bad = {
          'bad signature': `${pair.accessToken.slice(0, -4)}AAAA`,
          'not a token': 'x',
          'another type': pair.refreshToken ?? '',
        }[what];
        const headers = tokenHeaders(running.app, pair);
        const sent = Object.entries(headers).map(([name, value]) => [name, value.replace(pair.accessToken, bad ?? '')]);
        const answer = await running.call('/me', { headers: Object.fromEntries(sent) as Record<string, string> });
        expect([answer.status, fateOf(answer)]).toEqual([401, 'left alone']);
      },
    );

    it("a handler's own 401 and 403, and a handler with @ClearTokens() that fails", async () => {
      const [alice, bob] = [await issueTestPair(running.app, 'alice'), await issueTestPair(running.app, 'bob')];
      const answers = [await call(alice, '/own/x'), await call(bob, '/own/x'), await call(alice, '/cannot-end', 'POST')];
      expect(answers.map((answer) => [answer.status, fateOf(answer)])).toEqual([
        [401, 'left alone'],
        [403, 'left alone'],
        [403, 'left alone'],
      ]);
    });

    it('tokens of different sessions: 401, and both sessions live. Only the cookie of the expired access token goes', async () => {
      const [alice, bob] = [await expiredPair(running.app, 'alice'), await expiredPair(running.app, 'bob')];
      const mixed = withRefreshToken(alice, bob.refreshToken ?? '');
      const expected = mode === 'cookie' ? '__Host-access=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax' : 'left alone';
      expect(told(await call(mixed))).toEqual([401, 'session_mismatch', expected]);
      expect([fateOf(await call(alice)), fateOf(await call(bob))]).toEqual(['renewed', 'renewed']);
    });

    it('a verdict on an access token in a header that belongs to another session', async () => {
      const [own, other] = [await issueTestPair(running.app, 'alice'), await issueTestPair(running.app, 'bob')];
      await refresh().revoke(other.sessionId);
      const headers = { ...tokenHeaders(running.app, own), Authorization: `Bearer ${other.accessToken}` };
      // In cookie mode, the header is not looked at.
      expect(fateOf(await running.call('/me', { headers }))).toBe('left alone');
    });
  });

  it('R-01 are never cleared by the loser of a race: everyone of a burst gets cookies that work', async () => {
    const pair = await expiredPair(running.app, 'alice');
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(pair)));
    expect(answers.map((answer) => [answer.status, fateOf(answer)])).toEqual(answers.map(() => [200, 'renewed']));
    const tokens = new Set(answers.map(({ headers }) => /__Host-refresh=([^;]+)/.exec(String(headers['set-cookie']))?.[1]));
    expect(tokens.size).toBe(1);
    expect(await refresh().rotate([...tokens][0])).toMatchObject({ outcome: 'kept' });
  });

  it('R-02 stay usable with ten tabs that refresh at once, in whatever order the responses arrive', async () => {
    const browser = new Browser(running.port, { clock });
    await browser.fetch('/auth/login', { method: 'POST' });
    for (let hour = 0; hour < 3; hour++) {
      clock.advance(3_600_000);
      const tabs = await Promise.all(Array.from({ length: 10 }, () => browser.fetch('/me')));
      expect(tabs.map(({ status }) => status)).toEqual(tabs.map(() => 200));
    }
    clock.advance(3_600_000);
    expect((await browser.fetch('/me')).status).toBe(200);
  });
});

/** The access token of one pair and a refresh token of another. */
function withRefreshToken({ accessToken, tokenType, expiresIn, refreshExpiresIn, sessionId }: TokenPair, refreshToken: string): TokenPair {
  return new TokenPair({ accessToken, refreshToken, tokenType, expiresIn, refreshExpiresIn, sessionId });
}
