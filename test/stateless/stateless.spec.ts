import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Module, UseGuards } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import type { Principal, TokenEvent, TokenKey, TokenModuleRootOptions } from 'nestjs-token';
import {
  AccessTokenService,
  AuthInstance,
  CurrentUser,
  InjectSignInService,
  JwtAuthGuard,
  RefreshService,
  SignInService,
  TokenModule,
} from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { createPublicKey, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { codeOf, decoded } from '../support/access-tokens.js';
import type { AppSetup, TestApp } from '../support/app.js';
import { ADAPTERS, bearing, ISSUER, SECRET, startApp } from '../support/app.js';
import { DROP, optionsWith } from '../support/option-cases.js';
import type { StatelessOptions } from '../support/stateless-app.js';
import { PassportController, signIn, startStatelessApp } from '../support/stateless-app.js';

const { privateKey } = generateKeyPairSync('ed25519');
const signing: TokenKey = { algorithm: 'EdDSA', key: privateKey, use: 'sign' };

describe.each(ADAPTERS)('an application without sessions, on %s', (adapter) => {
  const opened: TestApp[] = [];
  afterEach(async () => {
    for (const app of opened.splice(0)) await app.close();
  });
  const start = async (options: StatelessOptions = {}, setup: AppSetup = {}): Promise<TestApp> => {
    const app = await startStatelessApp(options, { adapter, ...setup });
    opened.push(app);
    return app;
  };

  it('signs a user in, in the body and in the headers, and knows the caller by the token', async () => {
    const app = await start();
    const login = await app.call('/auth/login', { method: 'POST', body: {} });
    const { user, tokens } = login.json<{ user: object; tokens: { access_token: string; expires_in: number } }>();
    expect([user, tokens]).toEqual([
      { id: 'alice' },
      { access_token: expect.any(String), token_type: 'Bearer', expires_in: expect.any(Number) },
    ]);
    expect(login.headers).toMatchObject({
      authorization: `Bearer ${tokens.access_token}`,
      'x-access-token-expires-in': String(tokens.expires_in),
      'cache-control': 'no-store',
    });
    expect([login.headers['x-refresh-token'], login.headers['set-cookie']]).toEqual([undefined, undefined]);
    for (let request = 0; request < 2; request++) {
      const me = await app.call('/me', { headers: bearing({ accessToken: tokens.access_token }) });
      expect(me.json()).toMatchObject({ sub: 'alice', roles: ['reader'], session: { subject: 'alice', claims: { roles: ['reader'] } } });
      expect([me.json()['sid'], me.headers.authorization]).toEqual([undefined, undefined]);
    }
    expect((await app.call('/me')).json()).toMatchObject({ errorCode: 'token_missing' });
  });

  it('has no store: no module of TypeORM, no repository and no table', async () => {
    const app = await start();
    const modules = [...app.app.get(ModulesContainer).values()].map((module) => module.metatype.name);
    expect(modules.filter((name) => name === 'TypeOrmStoreModule' || name === 'TypeOrmFeatureModule')).toEqual([]);
    expect(modules).toContain('TokenModule');
  });

  it('accepts a token until it expires, and never after', async () => {
    const clock = new FakeClock();
    const app = await start({ access: { lifetime: '15m', jitter: 0, leeway: 0 } }, { clock });
    const headers = bearing(await signIn(app));
    clock.advance(899_999);
    expect((await app.call('/me', { headers })).status).toBe(200);
    clock.advance(1);
    const response = await app.call('/me', { headers: { ...headers, 'x-refresh-token': 'anything' } });
    expect([response.status, response.json()['errorCode']]).toEqual([401, 'token_expired']);
  });

  it('opens a route with @Fresh to a recent sign-in only', async () => {
    const clock = new FakeClock();
    const app = await start({}, { clock });
    const headers = bearing(await signIn(app));
    clock.advance('5m');
    expect((await app.call('/vault', { headers })).status).toBe(200);
    clock.advance('1s');
    expect((await app.call('/vault', { headers })).json()).toMatchObject({ errorCode: 'fresh_token_required' });
  });

  it('finds tokens in other places, admits anonymous callers to open routes, and serves routes of passport', async () => {
    const app = await start({ passportStrategy: 'jwt' }, { controllers: [PassportController] });
    const { accessToken } = await signIn(app);
    expect((await app.call(`/download?token=${accessToken}`)).json()).toEqual({ subject: 'alice' });
    expect((await app.call('/optional')).json()).toEqual({ subject: null });
    expect((await app.call('/legacy', { headers: bearing({ accessToken }) })).status).toBe(200);
    expect((await app.call('/legacy', { headers: bearing({ accessToken: `${accessToken}x` }) })).status).toBe(401);
  });

  it('guards all routes with globalGuard', async () => {
    const app = await start({ globalGuard: true });
    expect((await app.call('/auth/login', { method: 'POST', body: {} })).json()).toMatchObject({ errorCode: 'token_missing' });
    expect((await app.call('/me', { headers: bearing(await signIn(app)) })).status).toBe(200);
  });

  it('asks loadUser at the sign-in and at each request', async () => {
    const asked: string[] = [];
    let isActive = true;
    const loadUser = (subject: string) => (asked.push(subject), isActive ? { name: 'Alice' } : null);
    const app = await start({ loadUser });
    const headers = bearing(await signIn(app));
    expect((await app.call('/me', { headers })).json()).toMatchObject({ user: { name: 'Alice' } });
    isActive = false;
    expect((await app.call('/me', { headers })).json()).toMatchObject({ errorCode: 'user_rejected', signIn: true });
    expect(await codeOf(() => signIn(app))).toBe('user_rejected');
    expect(asked).toEqual(['alice', 'alice', 'alice', 'alice']);
  });

  it('takes the claims from the claims hook', async () => {
    const app = await start({ claims: (subject, { claims, sessionId }) => ({ given: claims, scope: `of ${subject}`, sessionId }) });
    const { payload } = decoded((await signIn(app, { claims: { a: 1 } })).accessToken);
    expect(payload).toMatchObject({ given: { a: 1 }, scope: 'of alice' });
  });

  it('forgets a cached user on request', async () => {
    let count = 0;
    const app = await start({ loadUser: { load: () => ({ count: ++count }), cacheFor: '1h' } });
    const headers = bearing(await signIn(app));
    const me = async () => (await app.call('/me', { headers })).json()['user'];
    expect([await me(), await me()]).toEqual([{ count: 1 }, { count: 1 }]);
    app.app.get(SignInService).forgetUser('alice');
    expect(await me()).toEqual({ count: 2 });
  });

  it('signs with a key pair, publishes the public key, and replaces keys while it runs', async () => {
    let keys = [signing];
    const app = await start({ secret: DROP, keys: () => keys, endpoints: { jwks: true } }, { adapter });
    const first = await signIn(app);
    expect((await app.call('/.well-known/jwks.json')).json()).toMatchObject({
      keys: [{ kty: 'OKP', kid: decoded(first.accessToken).header['kid'] }],
    });
    keys = [{ ...signing, key: generateKeyPairSync('ed25519').privateKey }];
    await app.app.get(AccessTokenService).reloadKeys();
    expect((await app.call('/me', { headers: bearing(first) })).json()).toMatchObject({ errorCode: 'token_invalid' });
    expect((await app.call('/me', { headers: bearing(await signIn(app)) })).status).toBe(200);
  });

  it('signs with a signer of another process', async () => {
    const key = createPublicKey(privateKey);
    const signer = { kid: '', algorithm: 'EdDSA' as const, sign: async (input: Uint8Array) => signBytes(null, input, privateKey) };
    const app = await start({
      secret: DROP,
      keys: [{ kid: 'kms', algorithm: 'EdDSA', key, use: 'verify' }],
      signer: { ...signer, kid: 'kms' },
    });
    expect((await app.call('/me', { headers: bearing(await signIn(app)) })).status).toBe(200);
  });

  it('stands next to an instance with sessions, under a name of its own', async () => {
    @Controller('machine')
    @UseGuards(JwtAuthGuard)
    @AuthInstance('machines')
    class Machine {
      constructor(@InjectSignInService('machines') readonly signIns: SignInService) {}

      @Get()
      me(@CurrentUser() user: Principal): object {
        return user;
      }
    }
    const machines = TokenModule.forRoot({ name: 'machines', issuer: ISSUER, secret: SECRET, sessions: false });
    const app = await startApp({ adapter, controllers: [Machine], imports: [machines] });
    opened.push(app);
    const pair = await app.app.get(RefreshService).signIn('alice');
    const { accessToken } = await app.app.get(Machine).signIns.signIn('robot');
    const status = async (token: string) => (await app.call('/machine', { headers: bearing({ accessToken: token }) })).status;
    expect([await status(accessToken), await status(pair.accessToken)]).toEqual([200, 401]);
  });

  it('works with forRootAsync, which is told by stateless', async () => {
    for (const sessions of [{ sessions: false as const }, {}]) {
      const useFactory = async () => ({ issuer: ISSUER, secret: SECRET, ...sessions });
      const tokens = TokenModule.forRootAsync({ stateless: true, useFactory });
      const own = await startApp({ adapter, options: null, imports: [tokens] });
      opened.push(own);
      expect((await own.call('/me', { headers: bearing(await signIn(own)) })).status).toBe(200);
    }
  });

  it('gives tokens that a service which only verifies accepts', async () => {
    const app = await start({ secret: DROP, keys: [signing], access: { sliding: true } });
    const document = JSON.stringify(app.app.get(AccessTokenService).jwks());
    const verifier = await startApp({ adapter, options: null, imports: [TokenModule.forRoot({ issuer: ISSUER, jwks: { document } })] });
    opened.push(verifier);
    for (const token of [(await signIn(app)).accessToken, await app.app.get(AccessTokenService).sign('alice')]) {
      expect((await verifier.call('/me', { headers: bearing({ accessToken: token }) })).status).toBe(200);
    }
  });

  it('accepts the tokens that it has issued while it had sessions, and with sessions none that it has issued without', async () => {
    const [without, withSessions] = [await start(), await startApp({ adapter })];
    opened.push(withSessions);
    const refresh = withSessions.app.get(RefreshService);
    const pair = await refresh.signIn('alice');
    await refresh.revoke(pair.sessionId);
    const [before, after] = [bearing({ accessToken: pair.accessToken }), bearing(await signIn(without))];
    expect((await without.call('/me', { headers: before })).json()).toMatchObject({ sid: pair.sessionId });
    expect((await withSessions.call('/me', { headers: after })).json()).toMatchObject({ errorCode: 'token_invalid' });
  });

  it('accepts the access tokens of another system while legacy.verify says so', async () => {
    const verify = (token: string) => (token === 'old' ? { subject: 'alice' } : null);
    const app = await start({ legacy: { until: '2999-01-01', verify } });
    expect((await app.call('/me', { headers: bearing({ accessToken: 'old' }) })).json()).toMatchObject({ sub: 'alice' });
    expect((await app.call('/me', { headers: bearing({ accessToken: 'older' }) })).status).toBe(401);
  });

  it('tells of requests that were refused', async () => {
    const events: TokenEvent[] = [];
    const app = await start({ transport: 'cookie', onEvent: (event) => events.push(event) }, { clock: new FakeClock() });
    const cookie = `__Host-access=${(await signIn(app)).accessToken}`;
    await app.call('/me', { headers: { cookie: '__Host-access=a.b.c' } });
    await app.call('/notes', { method: 'POST', headers: { cookie, 'sec-fetch-site': 'cross-site' } });
    expect(events.map(({ type, ...event }) => [type, 'code' in event ? event.code : null])).toEqual([
      ['access-rejected', 'token_malformed'],
      ['csrf-rejected', 'csrf_failed'],
    ]);
  });

  it('does not start if something injects RefreshService, and says what signs in', async () => {
    @Injectable()
    class SignsIn {
      constructor(readonly refresh: RefreshService) {}
    }
    await expect(start({}, { providers: [SignsIn] })).rejects.toMatchObject({
      option: 'sessions',
      message: expect.stringMatching(/RefreshService cannot be injected.*SignInService/),
    });
  });
});

describe('AccessTokenService.sign without sessions', () => {
  const opened: TestApp[] = [];
  afterEach(async () => {
    for (const app of opened.splice(0)) await app.close();
  });
  const service = async (options: Partial<TokenModuleRootOptions> = {}) => {
    const app = await startApp({ options, clock: new FakeClock(Date.now()) });
    opened.push(app);
    return app.app.get(AccessTokenService);
  };
  const stateless = () => service({ sessions: false, access: { maxLifetime: '1h', jitter: 0 } });

  it('needs no session id, and writes what it is asked for', async () => {
    const authTime = Date.now() - 60_000;
    const token = await (await stateless()).sign('alice', { claims: { scope: 'download' }, lifetime: '1m', authTime });
    const { iat, exp, ...claims } = decoded(token).payload as { iat: number; exp: number };
    expect([exp - iat, claims]).toEqual([
      60,
      { iss: ISSUER, aud: ISSUER, sub: 'alice', jti: expect.any(String), scope: 'download', auth_time: Math.floor(authTime / 1_000) },
    ]);
  });

  it('takes an id of a session that the application knows, and no other text', async () => {
    const signer = await stateless();
    const sessionId = '00112233-4455-8677-8899-aabbccddeeff';
    expect((await signer.verify(await signer.sign('alice', { sessionId }))).sid).toBe(sessionId);
    await expect(signer.sign('alice', { sessionId: 'none' })).rejects.toThrow(TypeError);
    await expect(signer.sign('alice', { sessionId: null as never })).rejects.toThrow(TypeError);
  });

  it('still demands a session id in an instance with sessions', async () => {
    await expect((await service()).sign('alice')).rejects.toThrow('sessionId: not the id of a session');
  });
});

describe('SignInService.signIn', () => {
  const opened: TestApp[] = [];
  afterEach(async () => {
    for (const app of opened.splice(0)) await app.close();
  });
  const start = async (options: StatelessOptions = {}) => {
    const app = await startStatelessApp(options);
    opened.push(app);
    return app;
  };

  it.each<[string, object | undefined]>([
    ['a reserved claim', { claims: { sub: 'bob' } }],
    ['a claim that makes tokens slide', { claims: { sliding: { until: 4_000_000_000 } } }],
    ['claims that are no object', { claims: ['admin'] }],
    ['a lifetime above access.maxLifetime', { lifetime: '16m' }],
    ['a lifetime that is no whole number of seconds', { lifetime: '1500ms' }],
    ['an absolute lifetime, which belongs to tokens that slide', { absoluteLifetime: '1h' }],
    ['persistent in text', { persistent: 'no' }],
  ])('refuses %s', async (_, options) => {
    await expect(signIn(await start(), options)).rejects.toThrow(TypeError);
  });

  it.each<[string, object | undefined]>([
    ['a lifetime, where tokens slide', { lifetime: '1m' }],
    ['an absolute lifetime of 0', { absoluteLifetime: 0 }],
    ['an absolute lifetime above that of the options', { absoluteLifetime: '8h1s' as never }],
    ['an absolute lifetime just above that of the options', { absoluteLifetime: 28_801 }],
    ['an absolute lifetime that is no whole number of seconds', { absoluteLifetime: '1500ms' }],
  ])('with access.sliding refuses %s', async (_, options) => {
    await expect(signIn(await start({ access: { sliding: true } }), options)).rejects.toThrow(TypeError);
  });

  it.each(['', ' alice', 5])('refuses the subject %j', async (subject) => {
    await expect(signIn(await start(), {}, subject as never)).rejects.toThrow(/subject/);
  });

  it('gives a token the lifetime that it is asked for, without jitter', async () => {
    const app = await start({ access: { lifetime: '15m', maxLifetime: '8h' } });
    expect((await signIn(app, { lifetime: '8h' })).expiresIn).toBe(28_800);
  });

  it('shows no token in a log, and every member in a body', async () => {
    const response = await signIn(await start());
    expect(inspect(response)).toBe(`AccessTokenResponse { subject: 'alice', expiresIn: ${response.expiresIn} }`);
    expect(Object.fromEntries(Object.entries(response))).toEqual(response.toJSON());
    expect(JSON.parse(JSON.stringify({ tokens: response }))).toEqual({ tokens: response.toJSON() });
  });

  it('cannot be injected into an instance with sessions, which says what signs in', async () => {
    @Injectable()
    class SignsIn {
      constructor(readonly signIns: SignInService) {}
    }
    await expect(startApp({ providers: [SignsIn] })).rejects.toMatchObject({
      option: 'sessions',
      message: expect.stringMatching(/SignInService cannot be injected.*RefreshService/),
    });
  });

  it('cannot be injected into an instance that only verifies', async () => {
    const document = JSON.stringify({ keys: [{ ...createPublicKey(privateKey).export({ format: 'jwk' }), kid: 'a', alg: 'EdDSA' }] });
    @Injectable()
    class SignsIn {
      constructor(readonly signIns: SignInService) {}
    }
    @Module({ imports: [TokenModule.forRoot({ issuer: ISSUER, jwks: { document } })], providers: [SignsIn] })
    class Mistaken {}
    await expect(Test.createTestingModule({ imports: [Mistaken] }).compile()).rejects.toMatchObject({ option: 'jwks' });
  });
});

describe('the options of an instance without sessions', () => {
  const started = async (change: Record<string, unknown>) =>
    Test.createTestingModule({ imports: [TokenModule.forRoot(optionsWith({ sessions: false, ...change }))] }).compile();
  const pair = { secret: DROP, keys: [signing] };
  const store = { repository: InMemoryTokenRepository };

  it.each<[string, Record<string, unknown>, string, RegExp]>([
    ['refresh', { refresh: {} }, 'refresh', /no place next to `sessions: false`/],
    ['revocation', { revocation: 'poll' }, 'revocation', /no place/],
    ['push', { push: { announce: () => 0, listen: () => 0, close: () => 0 } }, 'push', /no place/],
    ['storeTimeout', { storeTimeout: '1s' }, 'storeTimeout', /no place/],
    ['preparedStatements', { preparedStatements: true }, 'preparedStatements', /no place/],
    ['janitor', { janitor: false }, 'janitor', /no place/],
    ['clients', { clients: [{ id: 'reports', secret: SECRET }] }, 'clients', /no place/],
    ['endpoints of sessions', { endpoints: { logout: true } }, 'endpoints.logout', /no sessions/],
    ['legacy.exchange', { legacy: { until: '2999-01-01', exchange: () => null } }, 'legacy.exchange', /no place/],
    ['options of sessions next to stateless', { sessions: { max: 3 }, stateless: true }, 'sessions', /`stateless: true`; remove one/],
    ['introspection', { introspection: { uri: 'https://a.example.com', clientId: 'a', clientSecret: 'b' } }, 'introspection', /`jwks`/],
    ['transport: mixed', { transport: 'mixed' }, 'transport', /no refresh token/],
    [
      'an absolute lifetime of access.lifetime',
      { access: { sliding: { absoluteLifetime: '15m' } } },
      'access.sliding.absoluteLifetime',
      /raise it/,
    ],
    ['an unknown option of sliding', { access: { sliding: { every: '1m' } } }, 'access.sliding.every', /takes absoluteLifetime/],
    ['sliding in text', { access: { sliding: '8h' } }, 'access.sliding', /an object/],
    ['cookies and keys without a secret for CSRF tokens', { ...pair, transport: 'cookie' }, 'csrf.secret', /at least 32 bytes/],
    ['a short secret for CSRF tokens', { ...pair, transport: 'cookie', csrf: { secret: 'short' } }, 'csrf.secret', /randomBytes/],
    ['a short secret for CSRF tokens without cookies', { csrf: { secret: 'short' } }, 'csrf.secret', /randomBytes/],
    ['a secret for CSRF tokens from a missing variable', { csrf: { secret: undefined } }, 'csrf.secret', /environment variable/],
    ['no secret', { secret: DROP }, 'secret', /randomBytes/],
  ])('refuse %s', async (_, change, option, message) => {
    await expect(started(change)).rejects.toMatchObject({ option, message: expect.stringMatching(message) });
  });

  it.each<[string, Record<string, unknown>]>([
    ['keys in header mode without another secret', pair],
    ['keys and cookies with a secret for CSRF tokens', { ...pair, transport: 'cookie', csrf: { secret: SECRET } }],
    ['keys and cookies without CSRF protection', { ...pair, transport: 'cookie', csrf: false }],
    ['access.sliding: false', { access: { sliding: false } }],
    ['access.sliding without its options', { access: { sliding: {} } }],
    ['stateless: true in place of sessions: false', { sessions: DROP, stateless: true }],
    ['both', { stateless: true }],
  ])('take %s', async (_, change) => {
    expect(await started(change)).toBeDefined();
  });

  it.each([
    ['dataSource', 'other', /without sessions/],
    ['repository', class {}, /without sessions/],
    ['verifyOnly', true, /only verifies/],
  ])('refuse the extra %s', (extra, value, message) => {
    const option = extra === 'verifyOnly' ? 'stateless' : extra;
    expect(() => TokenModule.forRoot({ issuer: ISSUER, secret: SECRET, stateless: true, [extra]: value })).toThrow(
      expect.objectContaining({ option, message: expect.stringMatching(message) }),
    );
  });

  it('ask for stateless next to a factory, wherever sessions: false stands', async () => {
    const useFactory = () => ({ issuer: ISSUER, secret: SECRET, sessions: false as const });
    await expect(
      Test.createTestingModule({ imports: [TokenModule.forRootAsync({ repository: InMemoryTokenRepository, useFactory })] }).compile(),
    ).rejects.toMatchObject({
      option: 'sessions',
      message: expect.stringMatching(/`stateless: true` must stand next to useFactory/),
    });
    expect(() => TokenModule.forRootAsync({ sessions: false, useFactory } as never)).toThrow(
      expect.objectContaining({ option: 'sessions', message: expect.stringMatching(/`stateless: true`/) }),
    );
  });

  it('refuse the keys of another service from a factory', async () => {
    const useFactory = () => ({ issuer: ISSUER, jwks: { uri: 'https://auth.example.com/jwks.json' } });
    const imports = [TokenModule.forRootAsync({ stateless: true, useFactory })];
    await expect(Test.createTestingModule({ imports }).compile()).rejects.toMatchObject({ option: 'jwks' });
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['access.sliding with sessions', { ...store, access: { sliding: true } }, 'access.sliding'],
    ['csrf.secret with sessions', { ...store, csrf: { secret: SECRET } }, 'csrf.secret'],
    ['access.sliding next to jwks', { secret: DROP, jwks: { document: '{}' }, access: { sliding: {} } }, 'access.sliding'],
    ['csrf.secret next to jwks', { secret: DROP, jwks: { document: '{"keys":[]}' }, csrf: { secret: SECRET } }, 'csrf.secret'],
  ])('are refused elsewhere: %s', async (_, change, option) => {
    const tokens = TokenModule.forRoot(optionsWith(change));
    await expect(Test.createTestingModule({ imports: [tokens] }).compile()).rejects.toMatchObject({ option });
  });
});
