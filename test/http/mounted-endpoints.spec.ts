import { afterEach, describe, expect, it } from '@jest/globals';
import type {
  ArgumentsHost,
  CallHandler,
  CanActivate,
  ExecutionContext,
  ExceptionFilter,
  INestApplication,
  NestInterceptor,
} from '@nestjs/common';
import { Catch, RequestTimeoutException, SetMetadata, UseGuards, ValidationPipe, VersioningType } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE, HttpAdapterHost, Reflector } from '@nestjs/core';
import { setTimeout as delay } from 'node:timers/promises';
import type { TokenModuleRootOptions } from 'nestjs-token';
import { AuthInstance, Public, RefreshService, TokenLocations, TokenModule } from 'nestjs-token';
import type { Observable } from 'rxjs';
import { map, throwError, timeout } from 'rxjs';
import type { AppSetup, TestApp } from '../support/app.js';
import { ADAPTERS, bearing, ISSUER, SECRET, startApp } from '../support/app.js';
import type { OAuthApp } from '../support/oauth-app.js';
import { ALL_ROUTES, BASIC, CLIENT, refusal, startOAuthApp } from '../support/oauth-app.js';

/** Wraps every response, as many applications do. */
class Envelope implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

/** Responds to every error in the same way. */
@Catch()
class Teapot implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(_: unknown, host: ArgumentsHost): void {
    this.host.httpAdapter.reply(host.switchToHttp().getResponse(), { teapot: true }, 418);
  }
}

const PATIENCE_MS = 100;

/** Responds 408 if a handler takes too long, as many applications do. The handler goes on. */
class Impatient implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(timeout({ each: PATIENCE_MS, with: () => throwError(() => new RequestTimeoutException()) }));
  }
}

/** Closes everything but what the application has marked as public. */
class ClosedGuard implements CanActivate {
  canActivate(host: ExecutionContext): boolean {
    return new Reflector().getAllAndOverride<boolean | undefined>('isPublic', [host.getHandler(), host.getClass()]) === true;
  }
}

const GRANT = { grant_type: 'refresh_token' };

describe.each(ADAPTERS)('endpoints in an application on %s', (adapter) => {
  let running: OAuthApp;
  afterEach(() => running.close());

  const start = async (setup: AppSetup = {}, options: Partial<TokenModuleRootOptions> = {}): Promise<OAuthApp> =>
    (running = await startOAuthApp({ adapter, ...setup }, options));

  /** Uses all six routes below a path, and returns the statuses. */
  const statuses = async (path = '/auth', headers: Record<string, string> = {}): Promise<number[]> => {
    const pair = await running.refresh.signIn('alice');
    const [other, third] = [await running.refresh.signIn('alice'), await running.refresh.signIn('alice')];
    const own = { ...bearing(pair), ...headers };
    const responses = [
      await running.form(`${path}/introspect`, { token: pair.accessToken }, { headers: { authorization: BASIC, ...headers } }),
      await running.call(`${path}/sessions`, { headers: own }),
      await running.call(`${path}/sessions/${other.sessionId}`, { method: 'DELETE', headers: own }),
      await running.form(`${path}/token`, { ...GRANT, refresh_token: pair.refreshToken! }, { headers }),
      await running.form(`${path}/revoke`, { token: third.refreshToken! }, { headers }),
      await running.call(`${path}/logout`, { method: 'POST', headers: own }),
      await running.call(`${path}/logout-all`, { method: 'POST', headers: bearing(await running.refresh.signIn('alice')) }),
    ];
    return responses.map(({ status }) => status);
  };
  const FINE = [200, 200, 204, 200, 200, 204, 204];
  const NONE = [404, 404, 404, 404, 404, 404, 404];

  it('are below /auth, and with no other option than their names', async () => {
    await start();
    expect(await statuses()).toEqual(FINE);
  });

  it.each(['api/v2/auth', '/api/v2/auth'])('are below the path %s', async (path) => {
    await start({}, { endpoints: { ...ALL_ROUTES, path } });
    expect([await statuses('/api/v2/auth'), await statuses()]).toEqual([FINE, NONE]);
  });

  it.each(Object.keys(ALL_ROUTES))('has %s alone if nothing else is asked for', async (route) => {
    await start({}, { endpoints: { [route]: true } });
    const expected = ['introspect', 'sessions', 'sessions', 'token', 'revoke', 'logout', 'logoutAll'];
    expect(await statuses()).toEqual(expected.map((name, index) => (name === route ? FINE[index] : 404)));
  });

  it('get the global prefix of the application', async () => {
    await start({ prepare: (app) => void app.setGlobalPrefix('api') });
    expect([await statuses('/api/auth'), await statuses()]).toEqual([FINE, NONE]);
  });

  it.each<[string, Parameters<INestApplication['enableVersioning']>[0]]>([
    ['URI', { type: VersioningType.URI, defaultVersion: '1' }],
    ['header', { type: VersioningType.HEADER, header: 'x-api-version', defaultVersion: '1' }],
    ['media type', { type: VersioningType.MEDIA_TYPE, key: 'v=', defaultVersion: '1' }],
  ])('have no version with versioning by %s', async (_, versioning) => {
    await start({ prepare: (app) => void app.setGlobalPrefix('api').enableVersioning(versioning) });
    expect(await statuses('/api/auth')).toEqual(FINE);
    expect(await statuses('/api/auth', { 'x-api-version': '7', accept: 'application/json;v=7' })).toEqual(FINE);
    const text = await running.call('/api/auth/token', { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'a' });
    expect(refusal(text)).toEqual([400, 'invalid_request']);
  });

  it('are reached with globalGuard: those of OAuth authenticate by themselves, and the others are guarded once', async () => {
    await start({}, { globalGuard: true });
    expect(await statuses()).toEqual(FINE);
    expect((await running.call('/auth/sessions')).status).toBe(401);
    expect((await running.call('/auth/logout', { method: 'POST' })).status).toBe(204);
  });

  it('keep the form of their RFCs whatever interceptors, filters and pipes the application has', async () => {
    // Its validator refuses whatever it is asked about.
    const validatorPackage = { validate: () => Promise.resolve([{ property: 'any', constraints: { any: 'refused' } }]) } as never;
    const strict = new ValidationPipe({ validatorPackage, whitelist: true, forbidNonWhitelisted: true, transform: true });
    await start({
      providers: [
        { provide: APP_INTERCEPTOR, useClass: Envelope },
        { provide: APP_FILTER, useFactory: (host: HttpAdapterHost) => new Teapot(host), inject: [HttpAdapterHost] },
        { provide: APP_PIPE, useValue: strict },
      ],
    });
    const { accessToken, refreshToken = '' } = await running.refresh.signIn('alice');
    const headers = { authorization: BASIC };
    expect((await running.form('/auth/introspect', { token: accessToken }, { headers })).json()).toMatchObject({ active: true });
    expect((await running.form('/auth/token', { ...GRANT, refresh_token: refreshToken })).json()).toHaveProperty('access_token');
    expect(refusal(await running.form('/auth/token', { ...GRANT, refresh_token: 'a' }))).toEqual([400, 'invalid_grant']);
    expect((await running.form('/auth/revoke', { token: refreshToken })).text).toBe('');
    const pair = await running.refresh.signIn('alice');
    expect((await running.call('/auth/sessions', { headers: bearing(pair) })).json()).toEqual({ data: { sessions: [expect.any(Object)] } });
  });

  it('leave alone a response that an interceptor has sent meanwhile, and the client loses nothing', async () => {
    let waitMs = 0;
    await start({ providers: [{ provide: APP_INTERCEPTOR, useClass: Impatient }] }, { loadUser: () => delay(waitMs, {}) });
    const { refreshToken = '' } = await running.refresh.signIn('alice');
    const refresh = () => running.form('/auth/token', { ...GRANT, refresh_token: refreshToken });
    waitMs = 3 * PATIENCE_MS;
    expect((await refresh()).status).toBe(408);
    await delay(2 * waitMs);
    waitMs = 0;
    expect((await refresh()).status).toBe(200);
  });

  it('are known to the guards of the application by its own decorators', async () => {
    const providers = [{ provide: APP_GUARD, useClass: ClosedGuard }];
    await start({ providers });
    expect(await statuses()).toEqual([403, 403, 403, 403, 403, 403, 403]);
    await running.close();
    await start({ providers }, { endpoints: { ...ALL_ROUTES, decorators: [SetMetadata('isPublic', true)] } });
    expect(await statuses()).toEqual(FINE);
    expect((await running.call('/auth/sessions')).status).toBe(401);
  });

  it('stay as closed as they are, and as open, whatever decorators the application gives', async () => {
    await start(
      {},
      { endpoints: { ...ALL_ROUTES, decorators: [Public(), AuthInstance('admin'), TokenLocations({ query: 'token' }), UseGuards(Admit)] } },
    );
    expect((await running.call('/auth/sessions')).status).toBe(401);
    expect(await statuses()).toEqual(FINE);
  });
});

class Admit implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

describe.each(ADAPTERS)('endpoints of several instances on %s', (adapter) => {
  let running: TestApp | undefined;
  afterEach(async () => {
    await running?.close();
    running = undefined;
  });

  const admin = { issuer: ISSUER, audience: 'admin', secret: SECRET, name: 'admin', clients: [CLIENT] };
  const withAdmin = (endpoints: TokenModuleRootOptions['endpoints'], own = ALL_ROUTES) =>
    startApp({
      adapter,
      options: { endpoints: own, clients: [CLIENT] },
      imports: [TokenModule.forRoot({ ...admin, ...(endpoints && { endpoints }) })],
    });

  it('have a path each, and accept the tokens of their own instance only', async () => {
    running = await withAdmin({ ...ALL_ROUTES, path: 'admin/auth' });
    const [own, other] = [
      await running.app.get(RefreshService).signIn('alice'),
      await running.app.get<RefreshService>('nestjs-token:RefreshService:admin').signIn('root'),
    ];
    const { call } = running;
    const refreshed = (path: string, refresh_token: unknown) => call(path, { method: 'POST', body: { ...GRANT, refresh_token } });
    expect(refusal(await refreshed('/auth/token', other.refreshToken))).toEqual([400, 'invalid_grant']);
    expect(refusal(await refreshed('/admin/auth/token', own.refreshToken))).toEqual([400, 'invalid_grant']);
    expect((await refreshed('/admin/auth/token', other.refreshToken)).status).toBe(200);
    const introspected = async (path: string) =>
      (await call(path, { method: 'POST', headers: { authorization: BASIC }, body: { token: other.accessToken } })).json()['active'];
    expect([await introspected('/auth/introspect'), await introspected('/admin/auth/introspect')]).toEqual([false, true]);
    expect((await call('/admin/auth/sessions', { headers: bearing(other) })).status).toBe(200);
    expect((await call('/admin/auth/sessions', { headers: bearing(own) })).status).toBe(401);
    await call('/auth/revoke', { method: 'POST', body: { token: other.refreshToken } });
    expect((await call('/admin/auth/sessions', { headers: bearing(other) })).status).toBe(200);
    expect((await call('/admin/auth/logout', { method: 'POST', headers: bearing(other) })).status).toBe(204);
    expect((await call('/admin/auth/sessions', { headers: bearing(other) })).status).toBe(401);
  });

  it('are there with forRootAsync, with clients that a factory returns', async () => {
    const useFactory = () => Promise.resolve({ issuer: ISSUER, secret: SECRET, clients: [CLIENT] });
    running = await startApp({ adapter, options: null, imports: [TokenModule.forRootAsync({ useFactory, endpoints: ALL_ROUTES })] });
    const { accessToken } = await running.app.get(RefreshService).signIn('alice');
    const body = { token: accessToken, client_id: CLIENT.id, client_secret: CLIENT.secret };
    expect((await running.call('/auth/introspect', { method: 'POST', body })).json()).toMatchObject({ active: true, sub: 'alice' });
  });

  it.each<[string, TokenModuleRootOptions['endpoints'], string]>([
    ['endpoints below one path', { sessions: true }, 'endpoints.path'],
    ['endpoints below one path, written in another way', { sessions: true, path: '/auth' }, 'endpoints.path'],
    ['metadata at one path', { sessions: true, path: 'admin', metadata: true }, 'endpoints.metadata'],
  ])('refuse to start with %s', async (_, endpoints, option) => {
    const error = withAdmin(endpoints, { ...ALL_ROUTES, metadata: true } as typeof ALL_ROUTES);
    await expect(error).rejects.toMatchObject({ name: 'TokenOptionsError', option });
  });
});

describe('an application that parses no bodies', () => {
  let running: TestApp;
  afterEach(() => running.close());

  it('gets invalid_request from the OAuth endpoints, because they find no parameters', async () => {
    running = await startApp({ bodyParser: false, options: { endpoints: { token: true } } });
    const response = await running.call('/auth/token', { method: 'POST', body: { ...GRANT, refresh_token: 'a' } });
    expect(refusal(response)).toEqual([400, 'invalid_request']);
  });

  it('gets 415 on Fastify for a form, and parses JSON, because Fastify does that by itself', async () => {
    running = await startApp({ adapter: 'fastify', bodyParser: false, options: { endpoints: { token: true } } });
    const form = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'grant_type=refresh_token' };
    expect((await running.call('/auth/token', form)).status).toBe(415);
    const response = await running.call('/auth/token', { method: 'POST', body: { ...GRANT, refresh_token: 'a' } });
    expect(refusal(response)).toEqual([400, 'invalid_grant']);
  });
});

describe('the options of endpoints', () => {
  const options = { issuer: ISSUER, secret: SECRET };
  const starting = (given: object) => startApp({ options: { ...options, ...given } });

  it.each<[string, object, string]>([
    ['a path with a parameter', { path: ':tenant/auth', token: true }, 'endpoints.path'],
    ['a path with a wildcard', { path: 'auth/*', token: true }, 'endpoints.path'],
    ['an empty path', { path: '', token: true }, 'endpoints.path'],
    ['a path with a slash at its end', { path: 'auth/', token: true }, 'endpoints.path'],
    ['a path and no route', { path: 'auth' }, 'endpoints.path'],
    ['metadata and no route', { metadata: true }, 'endpoints.metadata'],
    ['decorators and no route', { decorators: [] }, 'endpoints.decorators'],
    ['decorators that are no list', { token: true, decorators: Public() }, 'endpoints.decorators'],
    ['decorators that are no functions', { token: true, decorators: ['Public'] }, 'endpoints.decorators'],
    ['requireClient and nothing that it is about', { sessions: true, requireClient: true }, 'endpoints.requireClient'],
    ['text for a flag', { token: 'true' }, 'endpoints.token'],
    ['a route from a missing variable', { token: undefined }, 'endpoints.token'],
    ['an unknown route', { tokens: true }, 'endpoints.tokens'],
  ])('refuse %s when the module is declared', (_, endpoints, option) => {
    expect(() => TokenModule.forRoot({ ...options, endpoints: endpoints })).toThrow(expect.objectContaining({ option }));
  });

  it.each<[string, object]>([
    ['introspect without clients', { endpoints: { introspect: true } }],
    ['introspect with an empty list of clients', { endpoints: { introspect: true }, clients: [] }],
    ['requireClient without clients', { endpoints: { token: true, requireClient: true } }],
  ])('refuse %s when the application starts', async (_, given) => {
    await expect(starting(given)).rejects.toMatchObject({ name: 'TokenOptionsError', option: 'clients' });
  });

  it('refuse metadata if the issuer is no address', async () => {
    const endpoints = { token: true, metadata: true };
    await expect(starting({ issuer: 'my-api', endpoints })).rejects.toMatchObject({ option: 'endpoints.metadata' });
  });

  it('refuse every endpoint in an instance that only verifies', () => {
    const jwks = { uri: 'https://auth.example.com/jwks.json' };
    expect(() => TokenModule.forRoot({ issuer: ISSUER, jwks, endpoints: { token: true } })).toThrow(
      expect.objectContaining({ option: 'endpoints' }),
    );
  });
});
