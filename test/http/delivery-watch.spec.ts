import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { JwtAuthGuard, RefreshService, TokenRepository } from 'nestjs-token';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestApp } from '../support/app.js';
import { ADAPTERS, bearing, expired, startApp } from '../support/app.js';

/** G: short enough to wait for, long enough for a loaded machine. */
const GRACE = 400;

@Controller()
@UseGuards(JwtAuthGuard)
class Slow {
  static during: () => Promise<unknown> = () => Promise.resolve();
  static blockFor = 0;

  @Get('slow')
  async slow(@Query('ms') ms: string): Promise<object> {
    await Slow.during();
    await delay(Number(ms));
    for (const end = Date.now() + Slow.blockFor; Date.now() < end;);
    return { slept: ms };
  }
}

describe.each(ADAPTERS)('a slow answer on %s', (adapter) => {
  let running: TestApp;
  afterEach(async () => {
    Slow.during = () => Promise.resolve();
    Slow.blockFor = 0;
    jest.restoreAllMocks();
    await running.close();
  });
  const refresh = () => running.app.get(RefreshService);
  const start = async (options = {}) => {
    running = await startApp({ adapter, controllers: [Slow], options: { refresh: { grace: `${GRACE}ms`, ...options } } });
    running.app.useLogger(false);
    return refresh().signIn('alice');
  };

  it('carries its refresh token however late, for its grace is renewed meanwhile', async () => {
    const pair = await start();
    const answer = await running.call(`/slow?ms=${2.5 * GRACE}`, { headers: bearing(expired(running.app, pair)) });
    expect([answer.status, answer.headers['x-refresh-token']?.length]).toEqual([200, 56]);
    expect(await refresh().rotate(pair.refreshToken)).toMatchObject({ outcome: 'coalesced' });
  });

  it('carries no refresh token when the session has moved on, and the next request recovers', async () => {
    const pair = await start();
    Slow.during = async () => {
      const repository = running.app.get(TokenRepository, { strict: false });
      const key = { realm: 'default', id: pair.sessionId };
      await repository.advance(key, { generation: 1, branch: 0 }, { generation: 1, branch: 1, parentBranch: 0, idleMs: null });
    };
    const answer = await running.call(`/slow?ms=${GRACE}`, { headers: bearing(expired(running.app, pair)) });
    expect([answer.status, answer.headers['x-refresh-token'], answer.headers.authorization?.length]).toEqual([
      200,
      undefined,
      expect.any(Number),
    ]);
    await delay(GRACE);
    expect(await refresh().rotate(pair.refreshToken)).toMatchObject({ outcome: 'recovered' });
  });

  it('carries no token at all when the session has been revoked meanwhile', async () => {
    const pair = await start();
    Slow.during = () => refresh().revoke(pair.sessionId);
    const { headers } = await running.call(`/slow?ms=${GRACE}`, { headers: bearing(expired(running.app, pair)) });
    expect([headers.authorization, headers['x-refresh-token'], headers['x-access-token-expires-in']]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('carries no refresh token when the store cannot confirm it', async () => {
    const pair = await start();
    jest.spyOn(running.app.get(TokenRepository, { strict: false }), 'advance').mockRejectedValue(new Error('gone'));
    const { headers } = await running.call(`/slow?ms=${GRACE}`, { headers: bearing(expired(running.app, pair)) });
    expect([headers['x-refresh-token'], headers.authorization?.length]).toEqual([undefined, expect.any(Number)]);
  });

  it('carries no refresh token when the timer came too late', async () => {
    const pair = await start();
    Slow.blockFor = GRACE;
    const { headers } = await running.call('/slow?ms=0', { headers: bearing(expired(running.app, pair)) });
    expect(headers['x-refresh-token']).toBeUndefined();
  });

  it('is not watched with strict reuse detection, which knows no recovery', async () => {
    const pair = await start({ reuse: 'strict' });
    const advance = jest.spyOn(running.app.get(TokenRepository, { strict: false }), 'advance');
    const { headers } = await running.call(`/slow?ms=${GRACE}`, { headers: bearing(expired(running.app, pair)) });
    expect([headers['x-refresh-token']?.length, advance.mock.calls.length]).toEqual([56, 0]);
  });
});
