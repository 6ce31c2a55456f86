import { afterEach, describe, expect, it } from '@jest/globals';
import { ClassSerializerInterceptor, Controller, Get, Post, UseInterceptors } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import type { TokenPair } from 'nestjs-token';
import { RefreshService, TokenInterceptor } from 'nestjs-token';
import type { TestApp } from '../support/app.js';
import { ADAPTERS, startApp } from '../support/app.js';

const NAMES = ['access_token', 'refresh_token', 'token_type', 'expires_in', 'refresh_expires_in', 'session_id'];

class Account {
  readonly name = 'alice';
}

@Controller()
@UseInterceptors(TokenInterceptor)
class SignInController {
  constructor(private readonly refresh: RefreshService) {}

  @Post('alone')
  async alone(): Promise<TokenPair> {
    return this.refresh.signIn('alice');
  }

  @Post('nested')
  async nested(): Promise<object> {
    return { user: new Account(), tokens: await this.refresh.signIn('alice'), all: [{ pair: await this.refresh.signIn('alice') }] };
  }

  /** The second refresh is too early for a new refresh token: the caller holds the current one. */
  @Get('kept')
  async kept(): Promise<TokenPair> {
    const first = await this.refresh.rotate((await this.refresh.signIn('alice')).refreshToken);
    return (await this.refresh.rotate(first.pair.refreshToken)).pair;
  }
}

describe.each(ADAPTERS)('a global ClassSerializerInterceptor on %s', (adapter) => {
  let running: TestApp;
  afterEach(() => running.close());
  const start = async (): Promise<void> => {
    const providers = [{ provide: APP_INTERCEPTOR, useClass: ClassSerializerInterceptor }];
    running = await startApp({ adapter, controllers: [SignInController], providers });
  };

  it('leaves a pair with its RFC 6749 names, in the body and in the headers (F-30)', async () => {
    await start();
    const answer = await running.call('/alone', { method: 'POST' });
    const body = answer.json();
    expect(Object.keys(body)).toEqual(NAMES);
    expect(answer.headers).toMatchObject({
      authorization: `Bearer ${String(body['access_token'])}`,
      'x-refresh-token': body['refresh_token'],
    });
  });

  it('leaves nested pairs with their RFC 6749 names (F-30)', async () => {
    await start();
    const { user, tokens, all } = (await running.call('/nested', { method: 'POST' })).json<{
      user: object;
      tokens: object;
      all: [{ pair: object }];
    }>();
    expect([user, Object.keys(tokens), Object.keys(all[0].pair)]).toEqual([{ name: 'alice' }, NAMES, NAMES]);
  });

  it('leaves the refresh token out of a pair that has none (F-30)', async () => {
    await start();
    const body = (await running.call('/kept')).json();
    expect(Object.keys(body)).toEqual(NAMES.filter((name) => name !== 'refresh_token'));
  });
});
