import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Controller, Get, HttpCode, Logger, Module, Post, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { TokenModuleRootOptions, TokenPair } from 'nestjs-token';
import { AccessTokenService, CurrentUser, JwtAuthGuard, RefreshService, RefreshToken, RefreshTokenGuard, TokenModule } from 'nestjs-token';
import { expiredPair, tokenHeaders } from 'nestjs-token/testing';
import { generateKeyPairSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Answer, CallOptions, TestApp } from '../support/app.js';
import { ADAPTERS, bearing, call, ISSUER, SECRET, startApp } from '../support/app.js';

const key = generateKeyPairSync('ed25519').privateKey;

@Controller()
class Resource {
  @Get('me')
  @UseGuards(JwtAuthGuard)
  me(@CurrentUser('sub') subject: string): object {
    return { subject };
  }

  @Post('me')
  @HttpCode(200)
  @UseGuards(JwtAuthGuard)
  change(@CurrentUser('sub') subject: string): object {
    return { subject };
  }

  @Post('passport')
  @HttpCode(200)
  @UseGuards(AuthGuard('jwt'))
  passport(): object {
    return {};
  }

  @Post('renew')
  @HttpCode(200)
  @UseGuards(RefreshTokenGuard)
  renew(@RefreshToken() token?: string): object {
    return { found: token !== undefined };
  }
}

describe.each(ADAPTERS)('a service that only verifies access tokens, which come in cookies, on %s', (adapter) => {
  let issuer: TestApp;
  let pair: TokenPair;
  let cookies: Record<string, string>;
  let csrf: Record<string, string>;
  let service: INestApplication | undefined;
  beforeEach(async () => {
    Logger.overrideLogger(false);
    const keys = [{ algorithm: 'EdDSA' as const, key, use: 'sign' as const }];
    const tokens = TokenModule.forRoot({ issuer: ISSUER, keys, refresh: { secret: SECRET }, transport: 'cookie' });
    issuer = await startApp({ adapter, options: null, imports: [tokens] });
    pair = await issuer.app.get(RefreshService).signIn('alice');
    const { Cookie: cookie = '', ...rest } = tokenHeaders(issuer.app, pair);
    [cookies, csrf] = [{ cookie }, rest];
  });
  afterEach(async () => {
    await service?.close();
    service = undefined;
    await issuer.close();
  });

  async function serve(change: Partial<TokenModuleRootOptions> = {}): Promise<(path: string, options?: CallOptions) => Promise<Answer>> {
    const document = JSON.stringify(issuer.app.get(AccessTokenService).jwks());
    const tokens = TokenModule.forRoot({ issuer: ISSUER, jwks: { document }, transport: 'cookie', ...change });
    @Module({ imports: [tokens], controllers: [Resource] })
    class ServiceModule {}
    const compiled = await Test.createTestingModule({ imports: [ServiceModule] }).compile();
    const app: INestApplication =
      adapter === 'express' ? compiled.createNestApplication() : compiled.createNestApplication(new FastifyAdapter());
    service = app;
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    return (path, options) => call({ port, path, ...options });
  }
  const verdict = ({ status, text, headers }: Answer) => [
    status,
    (JSON.parse(text) as { errorCode?: string }).errorCode,
    headers['set-cookie'],
  ];

  it.each<[string, Partial<TokenModuleRootOptions>]>([
    ["with transport: 'cookie'", {}],
    ['with a cookie among the locations', { transport: 'header', locations: ['header', 'cookie'] }],
  ])('reads the access cookie of the issuing service %s, and sets no cookie', async (_, options) => {
    const get = await serve(options);
    for (let request = 0; request < 2; request++) {
      const response = await get('/me', { headers: cookies });
      expect([response.status, response.json(), response.headers['set-cookie']]).toEqual([200, { subject: 'alice' }, undefined]);
    }
  });

  it('reads no cookie where the options name none', async () => {
    const get = await serve({ transport: 'header' });
    expect(verdict(await get('/me', { headers: cookies }))).toEqual([401, 'token_missing', undefined]);
  });

  it.each<[string, Record<string, string>]>([
    ['a page of its own', { 'sec-fetch-site': 'same-origin' }],
    ['the address bar', { 'sec-fetch-site': 'none' }],
    ['a listed page of the same site', { 'sec-fetch-site': 'same-site', origin: 'https://app.example.com' }],
    ['a listed page in an old browser', { origin: 'https://app.example.com' }],
    ['its own page in an old browser', { host: 'reports.example.com', origin: 'https://reports.example.com' }],
  ])('accepts a request that may change something from %s', async (_, headers) => {
    const send = await serve({ csrf: { origins: 'https://app.example.com' }, passportStrategy: 'jwt' });
    for (const path of ['/me', '/me', '/passport']) {
      expect((await send(path, { method: 'POST', headers: { ...cookies, ...headers } })).status).toBe(200);
    }
  });

  it.each<[string, Record<string, string>]>([
    ['a page of another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['a page of a subdomain', { 'sec-fetch-site': 'same-site', origin: 'https://blog.example.com' }],
    ['a page of another site in an old browser', { origin: 'https://evil.example' }],
    ['a page without an origin', { origin: 'null' }],
    ['a client that does not say where it comes from', {}],
  ])('refuses it from %s, with the CSRF token of the issuing service too, and deletes no cookie', async (_, headers) => {
    const send = await serve({ csrf: { origins: 'https://app.example.com' }, passportStrategy: 'jwt' });
    for (const path of ['/me', '/me', '/passport']) {
      const response = await send(path, { method: 'POST', headers: { ...cookies, ...csrf, ...headers } });
      expect(verdict(response)).toEqual([403, 'csrf_failed', undefined]);
    }
    expect((await send('/me', { headers: { ...cookies, ...headers } })).status).toBe(200);
  });

  it('asks a token in a header for no origin', async () => {
    const send = await serve({ locations: ['header', 'cookie'], transport: 'header' });
    expect((await send('/me', { method: 'POST', headers: bearing({ accessToken: pair.accessToken }) })).status).toBe(200);
  });

  it('asks for no origin with csrf: false, and warns of it at start-up', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue();
    const send = await serve({ csrf: false });
    expect(warn).toHaveBeenCalledWith(expect.stringMatching(/^csrf: requests from other sites are not refused/));
    warn.mockRestore();
    expect((await send('/me', { method: 'POST', headers: cookies })).status).toBe(200);
  });

  it.each([
    ['a user that it does not know', { loadUser: () => null }, 'user_rejected'],
    ['a token that belongs to another service', { audience: 'reports' }, 'token_invalid'],
  ])('leaves all cookies to the issuing service after its verdict on %s', async (_, options, code) => {
    const get = await serve(options);
    expect(verdict(await get('/me', { headers: cookies }))).toEqual([401, code, undefined]);
  });

  it('refreshes nothing: an expired access cookie is 401, and the refresh cookie stays good', async () => {
    const get = await serve();
    const old = tokenHeaders(issuer.app, await expiredPair(issuer.app, 'alice'));
    expect(verdict(await get('/me', { headers: old }))).toEqual([401, 'token_expired', undefined]);
    const renewed = await issuer.call('/me', { headers: { ...old, 'sec-fetch-site': 'same-origin' } });
    expect([renewed.status, renewed.headers['set-cookie']]).toEqual([200, expect.anything()]);
  });

  it('gives a handler no refresh token, because it cannot tell whether the request may use it', async () => {
    const send = await serve();
    const body = { refresh_token: pair.refreshToken };
    for (const headers of [cookies, { ...cookies, 'sec-fetch-site': 'cross-site' }, {}]) {
      expect((await send('/renew', { method: 'POST', headers, body })).json()).toEqual({ found: false });
    }
  });
});

describe('the option csrf of a service that only verifies', () => {
  const started = (csrf: TokenModuleRootOptions['csrf']) => {
    const tokens = TokenModule.forRoot({ issuer: ISSUER, jwks: { uri: 'https://auth.example.com/jwks.json' }, csrf: csrf! });
    return Test.createTestingModule({ imports: [tokens] }).compile();
  };

  it.each<[TokenModuleRootOptions['csrf']]>([['token'], [{ mode: 'token' }]])(
    'refuses %j, because there are no CSRF tokens',
    async (csrf) => {
      await expect(started(csrf)).rejects.toMatchObject({ option: 'csrf', message: expect.stringMatching(/no keys/) });
    },
  );
});
