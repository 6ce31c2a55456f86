import { afterEach, describe, expect, it } from '@jest/globals';
import { Body, Controller, HttpCode, Post, UseInterceptors } from '@nestjs/common';
import { RefreshService, TokenInterceptor, TokenPair } from 'nestjs-token';
import { inspect } from 'node:util';
import type { TestApp } from '../support/app.js';
import { ADAPTERS, MeController, startApp } from '../support/app.js';

@Controller()
@UseInterceptors(TokenInterceptor)
class Issuing {
  constructor(private readonly refresh: RefreshService) {}

  @Post('login')
  @HttpCode(200)
  login(): Promise<TokenPair> {
    return this.refresh.signIn('alice');
  }

  @Post('login-nested')
  async nested(): Promise<object> {
    return { user: { name: 'Alice' }, session: { tokens: await this.refresh.signIn('alice') } };
  }

  @Post('refresh')
  @HttpCode(200)
  async again(@Body() body: { refresh_token?: string }): Promise<TokenPair> {
    return (await this.refresh.rotate(body.refresh_token)).pair;
  }

  @Post('nothing')
  nothing(): object {
    return { a: [{ b: { c: { d: null } } }], text: 'x' };
  }

  @Post('traps')
  traps(): object {
    const traps = {
      get trap(): never {
        throw new Error('a getter was called');
      },
    };
    const huge = Object.defineProperty(Buffer.alloc(8), 'trap', { enumerable: true, get: () => traps.trap });
    return {
      toJSON: () => ({}),
      traps,
      model: Object.create(traps, { trap: { enumerable: true, get: () => traps.trap } }) as object,
      huge,
    };
  }

  @Post('boom')
  boom(): never {
    throw new Error('boom');
  }
}

describe.each(ADAPTERS)('TokenInterceptor on %s', (adapter) => {
  let running: TestApp;
  afterEach(() => running.close());
  const start = async (): Promise<TestApp> => {
    running = await startApp({ adapter, controllers: [Issuing, MeController] });
    running.app.useLogger(false);
    return running;
  };

  it.each(['/login', '/login-nested'])('sends the pair that %s returns in the headers too, uncacheable', async (path) => {
    await start();
    const answer = await running.call(path, { method: 'POST' });
    const body = answer.json<{ session?: { tokens: object } }>();
    const tokens = (body.session?.tokens ?? body) as Record<string, string>;
    expect(Object.keys(tokens)).toEqual(['access_token', 'refresh_token', 'token_type', 'expires_in', 'refresh_expires_in', 'session_id']);
    expect(answer.headers).toMatchObject({
      authorization: `Bearer ${tokens.access_token}`,
      'x-refresh-token': tokens.refresh_token,
      'x-access-token-expires-in': String(tokens.expires_in),
      'cache-control': 'no-store',
    });
    expect((await running.call('/me', { headers: { authorization: answer.headers.authorization as string } })).status).toBe(200);
  });

  it('leaves answers without a pair alone', async () => {
    await start();
    const answer = await running.call('/nothing', { method: 'POST' });
    expect([answer.status, answer.headers.authorization, answer.headers['cache-control']]).toEqual([201, undefined, undefined]);
    expect((await running.call('/boom', { method: 'POST' })).status).toBe(500);
  });

  it('calls no getter, and looks into nothing but arrays and plain objects (F-25)', async () => {
    await start();
    expect((await running.call('/traps', { method: 'POST' })).status).toBe(201);
  });

  it('gives a TokenError of the handler its challenge', async () => {
    await start();
    const missing = await running.call('/refresh', { method: 'POST', body: {} });
    const junk = await running.call('/refresh', { method: 'POST', body: { refresh_token: { $gt: '' } } });
    expect([missing, junk].map((answer) => [answer.status, answer.json().errorCode, answer.headers['www-authenticate']])).toEqual([
      [401, 'refresh_missing', 'Bearer'],
      [401, 'refresh_invalid', 'Bearer error="invalid_token", error_description="refresh token is invalid"'],
    ]);
  });

  it('leaves the refresh token out where the caller holds the current one', async () => {
    await start();
    const first = (await running.call('/login', { method: 'POST' })).json();
    const second = (await running.call('/refresh', { method: 'POST', body: first })).json();
    const answer = await running.call('/refresh', { method: 'POST', body: { refresh_token: second.refresh_token } });
    expect([answer.status, Object.keys(answer.json())]).toEqual([
      200,
      ['access_token', 'token_type', 'expires_in', 'refresh_expires_in', 'session_id'],
    ]);
    expect(answer.headers['x-refresh-token']).toBeUndefined();
  });
});

describe('TokenPair', () => {
  it('shows no token to inspect()', () => {
    const pair = new TokenPair({
      accessToken: 'eyAAA',
      refreshToken: 'ntr_BBB',
      tokenType: 'Bearer',
      expiresIn: 900,
      refreshExpiresIn: 1_209_600,
      sessionId: 's1',
    });
    expect(inspect({ tokens: pair }, { depth: 9 })).toBe(
      "{\n  tokens: TokenPair { sessionId: 's1', expiresIn: 900, refreshExpiresIn: 1209600 }\n}",
    );
  });
});
