import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { getDataSourceToken } from '@nestjs/typeorm';
import { Body, Controller, Get, HttpCode, ParseIntPipe, Post, UseGuards } from '@nestjs/common';
import type { Principal, TokenPair } from 'nestjs-token';
import { CurrentUser, JwtAuthGuard, OptionalAuth, RefreshService } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import type { DataSource } from 'typeorm';
import type { TestApp } from '../support/app.js';
import { ADAPTERS, bearing, SECRET, startApp } from '../support/app.js';
import { decoded, Forge, hmac } from '../support/forge.js';

const DAY = 86_400_000;
let handled = 0;

@Controller()
@UseGuards(JwtAuthGuard)
class Routes {
  @Get('me')
  me(@CurrentUser() user: Principal): Principal {
    handled++;
    return user;
  }

  @Get('optional')
  @OptionalAuth()
  optional(@CurrentUser('sub') subject?: string): object {
    return { subject: subject ?? null };
  }

  @Post('numbers')
  @HttpCode(200)
  write(@Body('number', ParseIntPipe) number: number): object {
    handled++;
    return { number };
  }
}

describe.each(ADAPTERS)('refresh tokens and their sessions on %s', (adapter) => {
  const clock = new FakeClock();
  let running: TestApp;
  let refresh: RefreshService;
  beforeEach(async () => {
    handled = 0;
    const options = { repository: InMemoryTokenRepository, refresh: { idleLifetime: '60d' as const } };
    running = await startApp({ adapter, clock, controllers: [Routes], options });
    refresh = running.app.get(RefreshService);
  });
  afterEach(() => running.close());

  /** Rotates so late that no grace period is left. */
  const next = async ({ refreshToken }: TokenPair): Promise<TokenPair> => {
    clock.advance(DAY);
    return (await refresh.rotate(refreshToken)).pair;
  };
  const isAlive = async ({ accessToken }: TokenPair): Promise<boolean> =>
    (await running.call('/me', { headers: { authorization: `Bearer ${accessToken}` } })).status === 200;

  it('RR-01 are unique, have one form, and never show the session id', async () => {
    const pairs = await Promise.all(Array.from({ length: 2_000 }, () => refresh.signIn('alice')));
    expect(new Set(pairs.map(({ refreshToken }) => refreshToken)).size).toBe(2_000);
    expect(pairs.filter(({ refreshToken }) => !/^ntr_[A-Za-z0-9_-]{52}$/.test(refreshToken ?? ''))).toEqual([]);
    const secrets = pairs.map(({ refreshToken }) => Buffer.from((refreshToken ?? '').slice(4), 'base64url').toString('hex'));
    expect(pairs.filter(({ sessionId }, index) => secrets[index]?.includes(sessionId.replaceAll('-', '')))).toEqual([]);
  });

  it('RR-05/06 end the session when one of two generations before is presented, and the verdict stays', async () => {
    const [first, other] = [await refresh.signIn('alice'), await refresh.signIn('alice')];
    const third = await next(await next(first));
    await expect(refresh.rotate(first.refreshToken)).rejects.toMatchObject({ errorCode: 'refresh_reused' });
    await expect(refresh.rotate(third.refreshToken)).rejects.toMatchObject({ errorCode: 'session_revoked' });
    expect(await isAlive(third)).toBe(false);
    expect((await refresh.rotate(other.refreshToken)).outcome).toBe('rotated');
  });

  it('RR-09 are found out as reused weeks after they were replaced', async () => {
    const first = await refresh.signIn('alice');
    await next(await next(first));
    clock.advance(20 * DAY);
    await expect(refresh.rotate(first.refreshToken)).rejects.toMatchObject({ errorCode: 'refresh_reused' });
  });

  it('RR-10 never live longer than their session, however often it is refreshed', async () => {
    let pair = await refresh.signIn('alice', { absoluteLifetime: '3d' });
    pair = await next(await next(pair));
    expect(pair.refreshExpiresIn).toBeLessThanOrEqual(86_400);
    clock.advance(DAY);
    await expect(refresh.rotate(pair.refreshToken)).rejects.toMatchObject({ errorCode: 'refresh_expired' });
  });

  it('RR-12 carry subject and session over to a new access token that has times of its own', async () => {
    const first = await refresh.signIn('alice', { claims: { tenant: 'blue' } });
    const [before, after] = [first, await next(first)].map(({ accessToken }) => decoded(accessToken, 1));
    for (const name of ['iss', 'sub', 'aud', 'sid', 'tenant', 'auth_time']) expect(after?.[name]).toEqual(before?.[name]);
    expect(after?.['iat']).toBe(Number(before?.['iat']) + DAY / 1_000);
    expect(after?.['jti']).not.toBe(before?.['jti']);
  });

  it('RR-13 are new at every sign-in, which adopts no session that the request brings along', async () => {
    const planted = await refresh.signIn('mallory');
    const pair = await refresh.signIn('alice');
    expect(pair.sessionId).not.toBe(planted.sessionId);
    expect(await refresh.sessions('alice')).toHaveLength(1);
    expect(await isAlive(planted)).toBe(true);
  });

  it('RV-05 end nothing when they are forged, whatever session they name', async () => {
    const pair = await refresh.signIn('alice');
    const bytes = Buffer.from((pair.refreshToken ?? '').slice(4), 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const forged = Buffer.from(bytes);
      forged[at]! ^= 1;
      await refresh.signOut(`ntr_${forged.toString('base64url')}`);
    }
    expect(await isAlive(pair)).toBe(true);
  });

  it('JV-15 leave a route with optional sign-in to strangers, but not to those with a bad credential', async () => {
    const { accessToken } = await refresh.signIn('alice');
    const ask = async (authorization?: string) =>
      running.call('/optional', authorization === undefined ? {} : { headers: { authorization } });
    expect((await ask()).json()).toEqual({ subject: null });
    expect((await ask(`Bearer ${accessToken}`)).json()).toEqual({ subject: 'alice' });
    expect((await ask(`Bearer ${accessToken.slice(0, -4)}AAAA`)).status).toBe(401);
  });

  it('ER-02/03 say the same about every access token that is invalid, and something else only about an expired one', async () => {
    const pair = await refresh.signIn('alice');
    const forge = new Forge(pair.accessToken);
    const tokens = [
      `${pair.accessToken.slice(0, -4)}AAAA`,
      forge.token({ sign: hmac(`${SECRET}-other`) }),
      forge.token({ header: { kid: 'other' } }),
      forge.token({ claims: { iss: 'https://other.example' } }),
      forge.token({ claims: { aud: 'other' } }),
      forge.token({ claims: { sub: '' } }),
      forge.token({ claims: { sid: 'none' } }),
    ];
    const answers = await Promise.all(tokens.map((token) => running.call('/me', { headers: { authorization: `Bearer ${token}` } })));
    const told = answers.map(({ status, text, headers }) => [status, text, headers['www-authenticate']]);
    expect(new Set(told.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(answers[0]?.json()).toMatchObject({ errorCode: 'token_invalid' });
    clock.advance(DAY);
    const expired = await running.call('/me', { headers: { authorization: `Bearer ${pair.accessToken}` } });
    expect([expired.status, expired.json()['errorCode']]).toEqual([401, 'token_expired']);
  });

  it('ER-07 refuses a stranger before anything is said about the request, and runs no handler', async () => {
    const send = (headers: Record<string, string>) => running.call('/numbers', { method: 'POST', body: { number: 'x' }, headers });
    expect((await send({})).status).toBe(401);
    expect((await send(bearing(await refresh.signIn('alice')))).status).toBe(400);
    expect(handled).toBe(0);
  });
});

it('ST-01 no column of a stored session is a token, or a part of one', async () => {
  const running = await startApp();
  try {
    const refresh = running.app.get(RefreshService);
    const pair = await refresh.signIn('alice', { device: { label: 'x' } });
    const { pair: second } = await refresh.rotate(pair.refreshToken);
    const rows = await running.app.get<DataSource>(getDataSourceToken()).query<Record<string, unknown>[]>('SELECT * FROM token_session');
    expect(rows).toHaveLength(1);
    const values = Object.values(rows[0]!).map(String);
    const parts = [pair, second].flatMap(({ refreshToken = '' }) => [refreshToken, refreshToken.slice(6, 28), refreshToken.slice(-20)]);
    expect(parts.filter((part) => values.some((value) => value.includes(part)))).toEqual([]);
    for (const value of values) {
      const headers = { 'x-refresh-token': value.replace(/[^ -~]/g, '?') };
      expect((await running.call('/me', { headers })).status).toBe(401);
    }
  } finally {
    await running.close();
  }
});
