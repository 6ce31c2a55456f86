import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Post, Redirect, UseGuards } from '@nestjs/common';
import type { TokenLocation, TransportMode } from 'nestjs-token';
import { CurrentUser, JwtAuthGuard, OptionalAuth, RefreshService, TokenLocations } from 'nestjs-token';
import type { Answer, TestApp } from '../support/app.js';
import { ADAPTERS, startApp } from '../support/app.js';
import { InMemoryTokenRepository } from 'nestjs-token/testing';

@Controller()
@UseGuards(JwtAuthGuard)
class Routes {
  @Get('default')
  byDefault(@CurrentUser('sub') subject: string): object {
    return { subject };
  }

  @Get('report')
  @TokenLocations('header', { query: 'access_token' })
  report(@CurrentUser('sub') subject: string): object {
    return { subject };
  }

  @Get('report/moved')
  @Redirect('/report')
  @TokenLocations({ query: 'access_token' })
  moved(): void {}

  @Get('preview')
  @OptionalAuth()
  @TokenLocations({ query: 'access_token' }, 'cookie')
  preview(@CurrentUser('sub') subject?: string): object {
    return { subject: subject ?? null };
  }

  @Post('upload')
  @TokenLocations({ body: 'access_token' }, 'header')
  upload(@CurrentUser('sub') subject: string): object {
    return { subject };
  }
}

@Controller('cookie')
@UseGuards(JwtAuthGuard)
@TokenLocations('cookie')
class CookieRoutes {
  @Get()
  read(@CurrentUser('sub') subject: string): object {
    return { subject };
  }

  @Post()
  write(@CurrentUser('sub') subject: string): object {
    return { subject };
  }
}

const GOOD = { subject: 'alice' };

describe.each(ADAPTERS)('Where an access token is looked for, on %s', (adapter) => {
  let app: TestApp;
  let token: string;

  beforeAll(async () => {
    const options = { repository: InMemoryTokenRepository };
    app = await startApp({ adapter, options, controllers: [Routes, CookieRoutes] });
    token = (await app.app.get(RefreshService).signIn('alice')).accessToken;
  });
  afterAll(() => app.close());

  const bearer = (value = token): Record<string, string> => ({ authorization: `Bearer ${value}` });
  const form = (fields: Record<string, string>): { headers: Record<string, string>; body: string; method: string } => ({
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields).toString(),
  });

  it('looks into the header alone unless somebody says otherwise', async () => {
    expect((await app.call('/default', { headers: bearer() })).json()).toEqual(GOOD);
    for (const path of [`/default?access_token=${token}`, `/default?token=${token}`]) {
      expect((await app.call(path)).json()).toMatchObject({ errorCode: 'token_missing' });
    }
    const cookie = await app.call('/default', { headers: { cookie: `__Host-access=${token}` } });
    expect(cookie.json()).toMatchObject({ errorCode: 'token_missing' });
  });

  it('finds it in the query of a route that says so', async () => {
    expect((await app.call(`/report?access_token=${token}`)).json()).toEqual(GOOD);
    expect((await app.call('/report', { headers: bearer() })).json()).toEqual(GOOD);
  });

  it('keeps a token of the address out of Referer and out of caches, on redirects too (RFC 6750 §2.3)', async () => {
    const inQuery = [await app.call(`/report?access_token=${token}`), await app.call(`/report/moved?access_token=${token}`)];
    expect(inQuery.map(({ headers }) => [headers['referrer-policy'], headers['cache-control']])).toEqual(
      Array(2).fill(['no-referrer', 'no-store']),
    );
    expect((await app.call('/report', { headers: bearer() })).headers['referrer-policy']).toBeUndefined();
  });

  it('finds it in the body of a form or of JSON (RFC 6750 §2.2)', async () => {
    expect((await app.call('/upload', { method: 'POST', body: { access_token: token } })).json()).toEqual(GOOD);
    if (adapter === 'express') expect((await app.call('/upload', form({ access_token: token }))).json()).toEqual(GOOD);
    expect((await app.call('/upload', { method: 'POST', headers: bearer(), body: {} })).json()).toEqual(GOOD);
  });

  it.each<[string, () => Promise<Answer>]>([
    [
      'a bad token in the first place, a good one in the second',
      () => app.call('/upload', { method: 'POST', headers: bearer(), body: { access_token: 'x.y.z' } }),
    ],
    ['a bad token in the header, a good one in the query', () => app.call(`/report?access_token=${token}`, { headers: bearer('x.y.z') })],
    ['a parameter that is there twice', () => app.call(`/report?access_token=${token}&access_token=${token}`)],
    ['a parameter that is a list', () => app.call(`/report?access_token[]=${token}`)],
    ['a member that is no text', () => app.call('/upload', { method: 'POST', headers: bearer(), body: { access_token: { $ne: 1 } } })],
    ['a bad token on an open route', () => app.call('/preview?access_token=x.y.z', { headers: { cookie: `__Host-access=${token}` } })],
  ])('HTTP-12 never falls through to the next place: %s', async (_, send) => {
    const answer = await send();
    // Express's simple parser of queries knows no lists: the parameter has another name then.
    const codes = ['token_malformed', 'token_missing'];
    expect([answer.status, codes.includes(answer.json<{ errorCode: string }>().errorCode)]).toEqual([401, true]);
  });

  it.each(['', 'null', 'undefined'])('takes the value %p for an absent token and looks in the next place', async (value) => {
    expect((await app.call(`/preview?access_token=${value}`, { headers: { cookie: `__Host-access=${token}` } })).json()).toEqual(GOOD);
    expect((await app.call(`/preview?access_token=${value}`)).json()).toEqual({ subject: null });
  });

  it('takes no inherited member of the body for a token', async () => {
    const body = '{"__proto__":{"access_token":"x"},"constructor":1}';
    const answer = await app.call('/upload', { method: 'POST', body, headers: { ...bearer(), 'content-type': 'application/json' } });
    expect([200, 201, 400]).toContain(answer.status);
    expect(answer.status === 400 ? GOOD : answer.json()).toEqual(GOOD);
  });

  it('protects a route that takes its token from a cookie against other sites, in header mode too', async () => {
    const headers = { cookie: `__Host-access=${token}`, 'sec-fetch-site': 'cross-site' };
    expect((await app.call('/cookie', { headers })).json()).toEqual(GOOD);
    expect((await app.call('/cookie', { method: 'POST', headers })).json()).toMatchObject({ errorCode: 'csrf_failed' });
    const own = { ...headers, 'sec-fetch-site': 'same-origin' };
    expect((await app.call('/cookie', { method: 'POST', headers: own })).json()).toEqual(GOOD);
  });
});

describe.each(ADAPTERS)('New access tokens, on %s', (adapter) => {
  /** Sends a stale access token in the header or in the cookie. It names a key that is unknown here, so that a refresh helps. */
  const send = async (transport: TransportMode, place: 'header' | 'cookie'): Promise<Answer> => {
    const options = { transport, repository: InMemoryTokenRepository, locations: ['header', 'cookie'] as TokenLocation[] };
    const app = await startApp({ adapter, options, controllers: [Routes] });
    try {
      const { refreshToken = '' } = await app.app.get(RefreshService).signIn('alice');
      const stale = `${Buffer.from('{"alg":"HS256","typ":"at+jwt","kid":"old"}').toString('base64url')}.e30.AAAA`;
      const cookies = [`__Host-refresh=${refreshToken}`, ...(place === 'cookie' ? [`__Host-access=${stale}`] : [])];
      const headers = { 'sec-fetch-site': 'same-origin', cookie: cookies.join('; ') };
      return await app.call('/default', { headers: { ...headers, ...(place === 'header' && { authorization: `Bearer ${stale}` }) } });
    } finally {
      await app.close();
    }
  };
  const placesOf = ({ headers }: Answer): string[] => [
    ...(headers.authorization === undefined ? [] : ['header']),
    ...(/__Host-access=ey/.test(String(headers['set-cookie'])) ? ['cookie'] : []),
  ];

  it('travel where the old one did in mixed mode', async () => {
    expect(placesOf(await send('mixed', 'header'))).toEqual(['header']);
    expect(placesOf(await send('mixed', 'cookie'))).toEqual(['cookie']);
  });

  it('CK-03 travel in the cookie alone in cookie mode, so that no script gets one by sending a header', async () => {
    const answers = [await send('cookie', 'header'), await send('cookie', 'cookie')];
    expect(answers.map((answer) => [answer.json(), placesOf(answer)])).toEqual(Array(2).fill([GOOD, ['cookie']]));
  });
});

describe('@TokenLocations()', () => {
  it.each([[[]], [['params']], [[{ query: '' }]], [[{ header: 'X-Token' }]], [[{ query: 'a', body: 'b' }]], [[null]]])(
    'refuses %j when the class is declared',
    (locations) => {
      expect(() => TokenLocations(...(locations as unknown as [TokenLocation]))).toThrow(TypeError);
    },
  );
});
