import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DynamicModule, INestApplication } from '@nestjs/common';
import { Controller, Get, Injectable, Logger, Module, UseGuards } from '@nestjs/common';
import { AuthGuard } from '@nestjs/passport';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { Principal, SessionInfo, TokenKey, TokenModuleRootOptions, TokenPair } from 'nestjs-token';
import {
  AccessTokenService,
  AuthInstance,
  Clock,
  CurrentSession,
  CurrentUser,
  InjectAccessTokenService,
  JwtAuthGuard,
  RefreshService,
  TokenModule,
} from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { createPublicKey, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { codeOf } from '../support/access-tokens.js';
import type { AdapterName, Answer, CallOptions, TestApp } from '../support/app.js';
import { ADAPTERS, bearing, call, ISSUER, MeController, SECRET, startApp } from '../support/app.js';
import { Forge, hmac } from '../support/forge.js';
import { KeyServer } from '../support/key-server.js';

const [first, second] = [generateKeyPairSync('ed25519').privateKey, generateKeyPairSync('ed25519').privateKey];
const signing = (key = first): TokenKey => ({ algorithm: 'EdDSA', key, use: 'sign' });
const verifying = (key = first): TokenKey => ({ algorithm: 'EdDSA', key: createPublicKey(key), use: 'verify' });

@Controller()
@UseGuards(JwtAuthGuard)
class Resource {
  @Get('me')
  me(@CurrentUser() user: Principal, @CurrentSession() session: SessionInfo): object {
    return { ...user, session };
  }
}

@Controller()
class Legacy {
  @Get('legacy')
  @UseGuards(AuthGuard('jwt'))
  legacy(): object {
    return {};
  }
}

/** A running service without a database. */
interface Service {
  readonly app: INestApplication;
  readonly verifier: AccessTokenService;
  get(path: string, headers?: CallOptions['headers']): Promise<Answer>;
  close(): Promise<void>;
}

describe.each(ADAPTERS)('a service that only verifies access tokens, on %s', (adapter: AdapterName) => {
  const opened: { close(): Promise<unknown> }[] = [];
  let keys: TokenKey[];
  let issuer: TestApp;
  let uri: string;
  let pair: TokenPair;
  beforeEach(async () => {
    Logger.overrideLogger(false);
    keys = [signing()];
    const tokens = TokenModule.forRoot({ issuer: ISSUER, keys: () => keys, refresh: { secret: SECRET }, endpoints: { jwks: true } });
    issuer = await startApp({ adapter, options: null, imports: [tokens] });
    opened.push(issuer);
    uri = `http://127.0.0.1:${issuer.port}/.well-known/jwks.json`;
    pair = await issuer.app.get(RefreshService).signIn('alice', { claims: { roles: ['reader'] } });
  });
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
  });

  async function serve(imports: DynamicModule[], clock?: Clock): Promise<Service> {
    @Module({ imports, controllers: [Resource, Legacy] })
    class ServiceModule {}
    const builder = Test.createTestingModule({ imports: [ServiceModule] });
    if (clock) builder.overrideProvider(Clock).useValue(clock);
    const compiled = await builder.compile();
    const app: INestApplication =
      adapter === 'express' ? compiled.createNestApplication() : compiled.createNestApplication(new FastifyAdapter());
    opened.push(app);
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    const get = (path: string, headers: CallOptions['headers'] = {}) => call({ port, path, headers });
    return { app, verifier: app.get(AccessTokenService), get, close: () => app.close() };
  }
  const verifyOnly = (change: Partial<TokenModuleRootOptions> = {}) => TokenModule.forRoot({ issuer: ISSUER, jwks: { uri }, ...change });

  it('accepts the tokens of the service that issues them, with their claims and their session', async () => {
    const { get } = await serve([verifyOnly()]);
    for (let request = 0; request < 2; request++) {
      const response = await get('/me', bearing({ accessToken: pair.accessToken }));
      expect([response.status, response.json()]).toEqual([
        200,
        expect.objectContaining({ sub: 'alice', roles: ['reader'], session: expect.objectContaining({ sessionId: pair.sessionId }) }),
      ]);
    }
  });

  it('accepts them with a key set that it was given, without a request', async () => {
    const { get } = await serve([verifyOnly({ jwks: { document: JSON.stringify(issuer.app.get(AccessTokenService).jwks()) } })]);
    expect((await get('/me', bearing({ accessToken: pair.accessToken }))).status).toBe(200);
  });

  it('works with forRootAsync, which is told by verifyOnly', async () => {
    const useFactory = () => ({ issuer: ISSUER, jwks: { uri } });
    const { get } = await serve([TokenModule.forRootAsync({ verifyOnly: true, useFactory })]);
    expect((await get('/me', bearing({ accessToken: pair.accessToken }))).status).toBe(200);
  });

  it("serves routes on AuthGuard('jwt')", async () => {
    const { get } = await serve([verifyOnly({ passportStrategy: 'jwt' })]);
    expect((await get('/legacy', bearing({ accessToken: pair.accessToken }))).status).toBe(200);
    expect((await get('/legacy', { authorization: 'Bearer a.b.c' })).status).toBe(401);
  });

  it('loads users', async () => {
    const { get } = await serve([verifyOnly({ loadUser: (subject) => (subject === 'alice' ? { name: 'Alice' } : null) })]);
    expect((await get('/me', bearing({ accessToken: pair.accessToken }))).json()).toMatchObject({ user: { name: 'Alice' } });
    const bob = await issuer.app.get(RefreshService).signIn('bob');
    expect((await get('/me', bearing({ accessToken: bob.accessToken }))).json()).toMatchObject({ errorCode: 'user_rejected' });
  });

  it('keeps a user for several requests with loadUser.cacheFor', async () => {
    const asked: string[] = [];
    const load = (subject: string) => ({ asked: asked.push(subject) });
    const { get } = await serve([verifyOnly({ loadUser: { load, cacheFor: '1h' } })]);
    const me = async () => (await get('/me', bearing({ accessToken: pair.accessToken }))).json()['user'];
    expect([await me(), await me(), asked]).toEqual([{ asked: 1 }, { asked: 1 }, ['alice']]);
  });

  it('never refreshes: an expired token is 401 even with a refresh token, which stays good', async () => {
    const { get } = await serve([verifyOnly()]);
    const forge = new Forge(pair.accessToken, (input) => signBytes(null, Buffer.from(input), first));
    const { iat } = forge.claims as { iat: number };
    const old = { accessToken: forge.token({ claims: { iat: iat - 900, exp: iat - 60 } }), refreshToken: pair.refreshToken! };
    const response = await get('/me', bearing(old));
    expect([response.status, response.json()['errorCode'], response.headers['x-refresh-token']]).toEqual([401, 'token_expired', undefined]);
    expect((await get('/me', { 'x-refresh-token': pair.refreshToken! })).json()).toMatchObject({ errorCode: 'token_missing' });
    expect((await issuer.call('/me', { headers: bearing(old) })).status).toBe(200);
  });

  it('does not learn of a revocation: the token is accepted until it expires', async () => {
    const { get } = await serve([verifyOnly()]);
    await issuer.app.get(RefreshService).signOut(pair.refreshToken);
    expect((await issuer.call('/me', { headers: bearing(pair) })).json()).toMatchObject({ errorCode: 'token_revoked' });
    expect((await get('/me', bearing({ accessToken: pair.accessToken }))).status).toBe(200);
  });

  it('refuses every token that the issuing service refuses, with the same code', async () => {
    const { verifier } = await serve([verifyOnly()]);
    const own = issuer.app.get(AccessTokenService);
    const sign = (key: typeof first) => (input: string) => signBytes(null, Buffer.from(input), key);
    const forge = new Forge(pair.accessToken, sign(first));
    const { iat } = forge.claims as { iat: number };
    const published = createPublicKey(first).export({ format: 'pem', type: 'spki' });
    const tokens = [
      'a.b.c',
      '',
      pair.refreshToken!,
      `${pair.accessToken}=`,
      `${pair.accessToken}.`,
      'x'.repeat(8_193),
      forge.token({ header: { alg: 'none' }, sign: () => Buffer.alloc(0) }),
      forge.token({ header: { alg: 'HS256' }, sign: hmac(published) }),
      forge.token({ sign: hmac(published) }),
      forge.token({ header: { alg: 'Ed25519' } }),
      forge.token({ header: { kid: undefined } }),
      forge.token({ header: { kid: 'unknown' } }),
      forge.token({ header: { kid: 'constructor' } }),
      forge.token({ header: { typ: 'JWT' } }),
      forge.token({ header: { typ: undefined } }),
      forge.token({ header: { crit: ['exp'] } }),
      forge.token({ header: { jku: 'https://evil.example.com' } }),
      forge.token({ header: { jwk: createPublicKey(second).export({ format: 'jwk' }) }, sign: sign(second) }),
      forge.token({ sign: sign(second) }),
      ...[
        { iss: 'https://evil.example.com' },
        { aud: 'other' },
        { aud: [] },
        { sub: undefined },
        { sub: { a: 1 } },
        { sub: ' alice' },
        { jti: undefined },
        { exp: undefined },
        { exp: 'never' },
        { exp: iat + 86_400 },
        { exp: iat - 60 },
        { iat: iat + 3_600, exp: iat + 4_000 },
        { nbf: iat + 3_600 },
        { sid: 'no-session' },
        { sid: 5 },
      ].map((claims) => forge.token({ claims })),
    ];
    const codes = await Promise.all(
      tokens.map((token) => Promise.all([own, verifier].map((service) => codeOf(() => service.verify(token))))),
    );
    expect(codes.filter(([ours, theirs]) => ours === 'none' || ours !== theirs)).toEqual([]);
    expect(await codeOf(() => verifier.verify(forge.token()))).toBe('none');
  });

  it('accepts a token that belongs to no session, which the issuing service refuses', async () => {
    const { get } = await serve([verifyOnly()]);
    const forge = new Forge(pair.accessToken, (input) => signBytes(null, Buffer.from(input), first));
    const accessToken = forge.token({ claims: { sid: undefined } });
    for (let request = 0; request < 2; request++) {
      const response = await get('/me', bearing({ accessToken }));
      expect([response.status, response.json()['session']]).toEqual([200, expect.not.objectContaining({ sessionId: expect.anything() })]);
    }
    expect((await issuer.call('/me', { headers: bearing({ accessToken }) })).status).toBe(401);
  });

  it('KY-05 follows the rotation of keys of the issuing service without a 401, and refuses a retired key after maxAge', async () => {
    const clock = new FakeClock(Date.now());
    const { get } = await serve([verifyOnly({ jwks: { uri, maxAge: '1m' }, access: { leeway: '5m' } })], clock);
    const status = async ({ accessToken }: TokenPair) => (await get('/me', bearing({ accessToken }))).status;
    expect(await status(pair)).toBe(200);
    const reload = async (next: TokenKey[]) => {
      keys = next;
      await issuer.app.get(AccessTokenService).reloadKeys();
    };
    await reload([signing(), verifying(second)]);
    await reload([signing(second), verifying()]);
    const fresh = await issuer.app.get(RefreshService).signIn('bob');
    expect([await status(fresh), await status(pair)]).toEqual([200, 200]);
    await reload([signing(second)]);
    clock.advance(60_000);
    expect([await status(pair), await status(fresh)]).toEqual([401, 200]);
  });

  it('starts while the key server is unavailable, responds 503 with Retry-After, and recovers', async () => {
    const clock = new FakeClock(Date.now());
    const server = await new KeyServer().start();
    opened.push({ close: () => server.stop() });
    server.document = issuer.app.get(AccessTokenService).jwks();
    await server.stop();
    const { get } = await serve([verifyOnly({ jwks: { uri: server.uri }, passportStrategy: 'jwt' })], clock);
    const away = await get('/me', bearing({ accessToken: pair.accessToken }));
    expect([away.status, away.json()['errorCode'], away.headers['retry-after'], away.headers['www-authenticate']]).toEqual([
      503,
      'keys_unavailable',
      '1',
      undefined,
    ]);
    expect((await get('/legacy', bearing({ accessToken: pair.accessToken }))).json()).toMatchObject({ errorCode: 'keys_unavailable' });
    expect((await get('/me')).status).toBe(401);
    await server.start();
    clock.advance(1_000);
    expect((await get('/me', bearing({ accessToken: pair.accessToken }))).status).toBe(200);
    await server.stop();
    clock.advance(600_000);
    expect((await get('/me', bearing({ accessToken: pair.accessToken }))).status).toBe(200);
  });

  it('lives beside an instance with sessions, under a name', async () => {
    @AuthInstance('partner')
    @UseGuards(JwtAuthGuard)
    @Controller('partner')
    class Partner {
      constructor(@InjectAccessTokenService('partner') readonly tokens: AccessTokenService) {}

      @Get()
      me(@CurrentUser() user: Principal): object {
        return user;
      }
    }
    const both = await startApp({
      adapter,
      options: { secret: SECRET },
      imports: [verifyOnly({ name: 'partner' })],
      controllers: [MeController, Partner],
    });
    opened.push(both);
    const own = await both.app.get(RefreshService).signIn('carol');
    const headers = { headers: bearing({ accessToken: pair.accessToken }) };
    expect([(await both.call('/partner', headers)).status, (await both.call('/me', headers)).status]).toEqual([200, 401]);
    expect((await both.call('/partner', { headers: bearing({ accessToken: own.accessToken }) })).status).toBe(401);
  });

  it('signs nothing, reloads nothing, and says why', async () => {
    const { verifier } = await serve([verifyOnly()]);
    const message = expect.stringMatching(/only verifies access tokens/);
    await expect(verifier.sign('alice', { sessionId: pair.sessionId })).rejects.toMatchObject({ option: 'jwks', message });
    await expect(verifier.reloadKeys()).rejects.toMatchObject({ option: 'jwks', message });
    expect(verifier.jwks()).toEqual(issuer.app.get(AccessTokenService).jwks());
  });

  it('does not start if something injects RefreshService, and says why', async () => {
    @Injectable()
    class SignsIn {
      constructor(readonly refresh: RefreshService) {}
    }
    @Module({ imports: [verifyOnly()], providers: [SignsIn] })
    class Mistaken {}
    await expect(Test.createTestingModule({ imports: [Mistaken] }).compile()).rejects.toMatchObject({
      option: 'jwks',
      message: expect.stringMatching(/RefreshService cannot be injected/),
    });
  });
});

describe('the options of a service that only verifies', () => {
  const jwks = { uri: 'https://auth.example.com/jwks.json' };
  const started = (options: object) => Test.createTestingModule({ imports: [TokenModule.forRoot(options as never)] }).compile();

  it.each<[string, object, string, RegExp]>([
    ...[
      'secret',
      'keys',
      'signer',
      'refresh',
      'sessions',
      'claims',
      'legacy',
      'revocation',
      'push',
      'storeTimeout',
      'preparedStatements',
      'janitor',
    ].map((option): [string, object, string, RegExp] => [option, { jwks, [option]: valueOf(option) }, option, /no place next to `jwks`/]),
    ['neither uri nor document', { jwks: {} }, 'jwks', /either `uri` or `document`/],
    ['both', { jwks: { ...jwks, document: { keys: [] } } }, 'jwks', /either `uri` or `document`/],
    ['http', { jwks: { uri: 'http://auth.example.com/jwks.json' } }, 'jwks.uri', /https address.*allowHttp/],
    ['http at a host that only looks local', { jwks: { uri: 'http://127.0.0.1.example.com/' } }, 'jwks.uri', /https/],
    ['http at localhost.example.com', { jwks: { uri: 'http://localhost.example.com/' } }, 'jwks.uri', /https/],
    ['a file', { jwks: { uri: 'file:///etc/jwks.json' } }, 'jwks.uri', /https/],
    ['data', { jwks: { uri: 'data:application/json,{}', allowHttp: true } }, 'jwks.uri', /https/],
    ['a path', { jwks: { uri: '/jwks.json' } }, 'jwks.uri', /https/],
    ['a password in the address', { jwks: { uri: 'https://a:b@auth.example.com/' } }, 'jwks.uri', /without a user name/],
    ['an address from a missing variable', { jwks: { uri: undefined } }, 'jwks.uri', /environment variable/],
    ['an unknown member', { jwks: { ...jwks, url: 'x' } }, 'jwks.url', /is not an option/],
    ['verifyOnly without jwks', { verifyOnly: true }, 'jwks', /either `uri` or `document`/],
  ])('refuse %s', async (_, change, option, message) => {
    await expect(started({ issuer: ISSUER, ...change })).rejects.toMatchObject({ option, message: expect.stringMatching(message) });
  });

  it.each(['http://auth.internal/jwks.json'])('take %s with allowHttp', async (uri) => {
    expect(await started({ issuer: ISSUER, jwks: { uri, allowHttp: true } })).toBeDefined();
  });

  it.each(['http://localhost:1/a', 'http://127.0.0.1:1/a', 'http://[::1]:1/a'])('take %s, which is this machine', async (uri) => {
    expect(await started({ issuer: ISSUER, jwks: { uri } })).toBeDefined();
  });

  it.each([
    ['dataSource', 'other'],
    ['repository', InMemoryTokenRepository],
    ['endpoints', { jwks: true }],
  ])('refuse the extra %s', (extra, value) => {
    expect(() => TokenModule.forRoot({ issuer: ISSUER, jwks, [extra]: value })).toThrow(
      expect.objectContaining({ option: extra, message: expect.stringMatching(/only verifies/) }),
    );
  });

  it('ask for verifyOnly next to a factory', async () => {
    const imports = [TokenModule.forRootAsync({ repository: InMemoryTokenRepository, useFactory: () => ({ issuer: ISSUER, jwks }) })];
    await expect(Test.createTestingModule({ imports }).compile()).rejects.toMatchObject({
      option: 'jwks',
      message: expect.stringMatching(/`verifyOnly: true` must stand next to useFactory/),
    });
  });

  function valueOf(option: string): unknown {
    const values: Record<string, unknown> = {
      refresh: {},
      sessions: {},
      legacy: { until: '2030-01-01', verify: () => null },
      keys: [signing()],
      revocation: 'poll',
      storeTimeout: '1s',
      preparedStatements: true,
    };
    return values[option] ?? (option === 'secret' ? SECRET : option === 'janitor' ? false : () => undefined);
  }
});
