import { afterEach, describe, expect, it } from '@jest/globals';
import type { CallHandler, ExecutionContext, NestInterceptor, Type } from '@nestjs/common';
import { All, Controller, VersioningType } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import type { JsonWebKeySet, TokenKey, TokenModuleRootOptions } from 'nestjs-token';
import { AccessTokenService, Public, RefreshService, TokenModule } from 'nestjs-token';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import type { Observable } from 'rxjs';
import { map } from 'rxjs';
import type { AdapterName, AppSetup, TestApp } from '../support/app.js';
import { ADAPTERS, ISSUER, MeController, SECRET, startApp } from '../support/app.js';
import { findLeaks } from '../support/leaks.js';

const PATH = '/.well-known/jwks.json';
const [first, second] = [generateKeyPairSync('ed25519').privateKey, generateKeyPairSync('ed25519').privateKey];
const signing = (key = first): TokenKey => ({ algorithm: 'EdDSA', key, use: 'sign' });
const verifying = (key = first): TokenKey => ({ algorithm: 'EdDSA', key: createPublicKey(key), use: 'verify' });

/** Wraps every response, as many applications do. */
class Envelope implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

/** A route that takes every path, as a page with routes of its own needs it. */
function everything(path: string): Type {
  @Public()
  @Controller()
  class Everything {
    @All(path)
    all(): string {
      return 'everything else';
    }
  }
  return Everything;
}

describe.each(ADAPTERS)('the endpoint of the key set on %s', (adapter: AdapterName) => {
  let running: TestApp | undefined;
  afterEach(() => running?.close());

  const start = async (options: Partial<TokenModuleRootOptions> = {}, setup: AppSetup = {}): Promise<TestApp> => {
    const tokens = TokenModule.forRoot({
      issuer: ISSUER,
      keys: [signing()],
      refresh: { secret: SECRET },
      endpoints: { jwks: true },
      ...options,
    });
    return (running = await startApp({ adapter, options: null, ...setup, imports: [tokens, ...(setup.imports ?? [])] }));
  };

  it('publishes keys that verify the access tokens of the application, with caching headers', async () => {
    const { app, call } = await start();
    const response = await call(PATH);
    expect([response.status, response.headers['content-type'], response.headers['cache-control']]).toEqual([
      200,
      'application/json; charset=utf-8',
      'public, max-age=300',
    ]);
    const { accessToken } = await app.get(RefreshService).signIn('alice');
    const [input, signature] = accessToken.split(/\.(?=[^.]*$)/) as [string, string];
    const { kid } = JSON.parse(Buffer.from(input.split('.')[0]!, 'base64url').toString()) as { kid: string };
    const published = response.json<JsonWebKeySet>().keys.find((key) => key.kid === kid)!;
    const key = createPublicKey({ key: published, format: 'jwk' });
    expect(verify(null, Buffer.from(input), key, Buffer.from(signature, 'base64url'))).toBe(true);
  });

  it('KY-08 publishes no private member', async () => {
    const { call } = await start();
    const { text } = await call(PATH);
    expect(findLeaks(text, [(first.export({ format: 'jwk' }) as { d: string }).d, first.export({ format: 'der', type: 'pkcs8' })])).toEqual(
      [],
    );
    expect(Object.keys((JSON.parse(text) as { keys: object[] }).keys[0]!).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x']);
  });

  it('responds 304 to a client that has the document, and 200 once the keys have changed', async () => {
    let keys = [signing()];
    const { app, call } = await start({ keys: () => keys });
    const etag = String((await call(PATH)).headers.etag);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await call(PATH, { headers: { 'if-none-match': known } });
      expect([again.status, again.text, again.headers.etag, again.headers['cache-control']]).toEqual([
        304,
        '',
        etag,
        'public, max-age=300',
      ]);
    }
    expect((await call(PATH, { headers: { 'if-none-match': '"other"' } })).status).toBe(200);
    keys = [signing(), verifying(second)];
    await app.get(AccessTokenService).reloadKeys();
    const changed = await call(PATH, { headers: { 'if-none-match': etag } });
    expect([changed.status, changed.json<JsonWebKeySet>().keys.length]).toEqual([200, 2]);
  });

  it('responds to HEAD without a body, and knows no other method', async () => {
    const { call } = await start();
    const head = await call(PATH, { method: 'HEAD' });
    expect([head.status, head.text, typeof head.headers.etag]).toEqual([200, '', 'string']);
    for (const method of ['POST', 'PUT', 'DELETE']) expect((await call(PATH, { method })).status).toBe(404);
  });

  it('stands at the root of the host, whatever prefix, version, guard or interceptor the application has', async () => {
    const { call } = await start(
      { globalGuard: true },
      {
        controllers: [MeController],
        providers: [
          { provide: APP_INTERCEPTOR, useClass: Envelope },
          { provide: APP_GUARD, useValue: { canActivate: () => false } },
        ],
        prepare: (app) => void app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }),
      },
    );
    expect((await call(PATH)).json()).toEqual({ keys: [expect.objectContaining({ alg: 'EdDSA' })] });
    expect((await call('/api/v1/me')).status).not.toBe(200);
  });

  it('goes before a route that takes every path', async () => {
    const { call } = await start({}, { controllers: [everything(adapter === 'express' ? '{*path}' : '*')] });
    expect((await call('/anything')).text).toBe('everything else');
    expect((await call(PATH)).json()).toHaveProperty('keys');
  });

  it('stands at the path that it is given, and nowhere unless it is asked for', async () => {
    const { call } = await start({ endpoints: { jwks: '/auth/keys.json' } });
    expect([(await call('/auth/keys.json')).status, (await call(PATH)).status]).toEqual([200, 404]);
    await running?.close();
    for (const options of [{ endpoints: { jwks: false } }, { endpoints: {} }]) {
      expect((await (await start(options)).call(PATH)).status).toBe(404);
      await running?.close();
    }
    running = undefined;
  });

  it('is there with forRootAsync, and for each instance that asks for it', async () => {
    const useFactory = () => ({ issuer: ISSUER, keys: [signing()], refresh: { secret: SECRET } });
    const admin = { issuer: ISSUER, audience: 'admin', keys: [signing(second)], refresh: { secret: SECRET } };
    running = await startApp({
      adapter,
      options: null,
      imports: [
        TokenModule.forRootAsync({ useFactory, endpoints: { jwks: true } }),
        TokenModule.forRoot({ ...admin, name: 'admin', endpoints: { jwks: '/admin/jwks.json' } }),
      ],
    });
    const [own, other] = [(await running.call(PATH)).json<JsonWebKeySet>(), (await running.call('/admin/jwks.json')).json<JsonWebKeySet>()];
    expect([own.keys.length, other.keys.length, own.keys[0]!.kid === other.keys[0]!.kid]).toEqual([1, 1, false]);
  });

  it('KY-08 refuses to start where there is nothing to publish', async () => {
    for (const keys of [
      { secret: SECRET },
      { keys: [{ algorithm: 'HS256' as const, key: SECRET, use: 'sign' as const }], refresh: { secret: SECRET } },
    ]) {
      const tokens = TokenModule.forRoot({ issuer: ISSUER, ...keys, endpoints: { jwks: true } });
      await expect(startApp({ adapter, options: null, imports: [tokens] })).rejects.toMatchObject({
        option: 'endpoints.jwks',
        message: expect.stringMatching(/secrets are never published/),
      });
    }
  });

  it('refuses to start when two instances publish at one path', async () => {
    const admin = { issuer: ISSUER, audience: 'admin', keys: [signing(second)], refresh: { secret: SECRET }, name: 'admin' };
    const imports = [TokenModule.forRoot({ ...admin, endpoints: { jwks: true } })];
    await expect(start({}, { imports })).rejects.toMatchObject({ option: 'endpoints.jwks' });
  });
});

describe('the option endpoints.jwks', () => {
  it.each(['jwks.json', '/', '/a/', '//evil.example.com/a', '/a/:id', '/a/*', '/a?b', '', 5, null])('refuses %j', (jwks) => {
    const endpoints = { jwks } as never;
    expect(() => TokenModule.forRoot({ issuer: ISSUER, secret: SECRET, endpoints })).toThrow(
      expect.objectContaining({ option: 'endpoints.jwks' }),
    );
  });

  it('refuses an unknown endpoint, and what is no group', () => {
    for (const [endpoints, option] of [
      [{ jwsk: true }, 'endpoints.jwsk'],
      [true, 'endpoints'],
    ] as const) {
      expect(() => TokenModule.forRoot({ issuer: ISSUER, secret: SECRET, endpoints: endpoints as never })).toThrow(
        expect.objectContaining({ option }),
      );
    }
  });
});
