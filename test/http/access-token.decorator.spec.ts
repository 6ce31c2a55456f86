import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';
import type { TokenPair } from 'nestjs-token';
import { AccessToken, JwtAuthGuard, OptionalAuth, Public, RefreshService, TokenLocations } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import type { Answer, AppSetup, TestApp } from '../support/app.js';
import { ADAPTERS, bearing, startApp } from '../support/app.js';
import { carrying, tokensOn } from '../support/token-store.js';

@Controller()
@UseGuards(JwtAuthGuard)
class Routes {
  @Get('guarded')
  guarded(@AccessToken() token?: string): object {
    return { token: token ?? null };
  }

  @Get('optional')
  @OptionalAuth()
  optional(@AccessToken() token?: string): object {
    return { token: token ?? null };
  }

  @Get('public')
  @Public()
  open(@AccessToken() token?: string): object {
    return { token: token ?? null };
  }

  @Get('download')
  @TokenLocations({ query: 'ticket' })
  download(@AccessToken() token?: string): object {
    return { token: token ?? null };
  }
}

describe.each(ADAPTERS)('@AccessToken() on %s', (adapter) => {
  let app: TestApp;
  let clock: FakeClock;
  const start = async (setup: AppSetup = {}): Promise<void> => {
    clock = new FakeClock(Date.now());
    const options = { repository: InMemoryTokenRepository, ...setup.options };
    app = await startApp({ adapter, clock, controllers: [Routes], ...setup, options });
  };
  afterEach(() => app.close());
  const signIn = (): Promise<TokenPair> => app.app.get(RefreshService).signIn('alice');
  const tokenIn = (answer: Answer): unknown => answer.json()['token'];

  it('gives the access token of the request', async () => {
    await start();
    const pair = await signIn();
    expect(tokenIn(await app.call('/guarded', { headers: bearing(pair) }))).toBe(pair.accessToken);
    expect(tokenIn(await app.call(`/download?ticket=${pair.accessToken}`))).toBe(pair.accessToken);
  });

  it.each(['header', 'cookie'] as const)('gives the new one after a refresh inside the request, with tokens in a %s', async (transport) => {
    await start({ options: { transport } });
    const { accessToken: access, refreshToken: refresh } = await signIn();
    clock.advance('16m');
    const answer = await app.call('/guarded', { headers: carrying(transport, { access, refresh }) });
    expect(tokensOn(transport, answer).access).toBe(tokenIn(answer));
    expect(tokenIn(answer)).not.toBe(access);
  });

  it('gives nothing that no guard has checked', async () => {
    await start();
    expect(tokenIn(await app.call('/optional'))).toBeNull();
    expect(tokenIn(await app.call('/public', { headers: bearing(await signIn()) }))).toBeNull();
  });

  it('passes the pipes of the application', async () => {
    await start({ prepare: (application) => void application.useGlobalPipes({ transform: trimmed }) });
    const pair = await signIn();
    expect(tokenIn(await app.call('/guarded', { headers: bearing(pair) }))).toBe(pair.accessToken);
  });
});

/** A pipe that trims texts, as applications write it. */
function trimmed(value: unknown): unknown {
  for (const [key, member] of Object.entries((value ?? {}) as Record<string, unknown>)) {
    if (typeof member === 'string') (value as Record<string, unknown>)[key] = member.trim();
  }
  return value;
}
