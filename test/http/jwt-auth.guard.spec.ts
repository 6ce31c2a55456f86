import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { ArgumentsHost, CanActivate, ExceptionFilter, ExecutionContext } from '@nestjs/common';
import { Catch, Controller, Get, HttpException, Injectable, UnauthorizedException, UseGuards, UseInterceptors } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, HttpAdapterHost } from '@nestjs/core';
import type { ServerResponse } from 'node:http';
import type { Principal, SessionInfo, TokenModuleRootOptions, TokenPair, TokenRequest } from 'nestjs-token';
import {
  AccessTokenService,
  CurrentSession,
  CurrentUser,
  Fresh,
  JwtAuthGuard,
  OptionalAuth,
  Public,
  RefreshLimited,
  RefreshService,
  StoreUnavailable,
  TokenError,
  TokenInterceptor,
  TokenMissing,
  TokenRepository,
} from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import type { AdapterName, AppSetup, TestApp } from '../support/app.js';
import { ADAPTERS, bearing, expired, issuedAt, MeController, startApp } from '../support/app.js';

const seen: unknown[] = [];

@Injectable()
class TalkativeGuard extends JwtAuthGuard {
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the signature that applications override
  override handleRequest<User = Principal>(error: Error | null, user: Principal | false | null, info: TokenError | undefined): User {
    seen.push([error, user && user.sub, info?.errorCode]);
    if (error) throw error;
    if (!user) throw new UnauthorizedException('mine');
    return { ...user, seen: seen.length } as User;
  }
}

@Injectable()
class SlowGuard extends JwtAuthGuard {
  override async handleRequest<User = Principal>(error: Error | null, user: Principal | false | null): Promise<User> {
    await Promise.resolve();
    if (error || !user) throw new UnauthorizedException('later');
    return { sub: `later ${user.sub}` } as User;
  }
}

/** Lets `verdict` decide, whatever was found out about the caller. */
@Injectable()
class DecidingGuard extends JwtAuthGuard {
  static verdict: () => unknown = () => null;
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the signature that applications override
  override handleRequest<User = Principal>(): User {
    return DecidingGuard.verdict() as User;
  }
}

/** A gateway in front of the application has packed the tokens into headers and a response of its own. */
@Injectable()
class PackedGuard extends JwtAuthGuard {
  protected override getRequest(context: ExecutionContext): TokenRequest {
    const { headers } = requestIn(context);
    return { headers: { authorization: headers['packed-access'] as string, 'x-refresh-token': headers['packed-refresh'] } };
  }

  protected override getResponse(context: ExecutionContext): object {
    const { headers } = requestIn(context);
    return packedResponses.get(String(headers['packed-id'])) ?? {};
  }
}

/** Every operation comes over one connection, whose request is the same object each time. */
@Injectable()
class ConnectionGuard extends JwtAuthGuard {
  static connection: TokenRequest = { headers: {} };
  protected override getRequest(): TokenRequest {
    return ConnectionGuard.connection;
  }
}

/** Ends the session of the request between two guards. */
@Injectable()
class RevokingGuard implements CanActivate {
  constructor(private readonly refresh: RefreshService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    await this.refresh.signOut(String(requestIn(context).headers['x-refresh-token']));
    return true;
  }
}

const requestIn = (context: ExecutionContext) => context.switchToHttp().getRequest<TokenRequest>();
const packedResponses = new Map<string, ServerResponse>();

@Controller('packed')
@UseGuards(PackedGuard)
@UseInterceptors(TokenInterceptor)
class PackedRoutes {
  constructor(private readonly refresh: RefreshService) {}

  @Get('me')
  me(@CurrentUser('sub') sub: string): object {
    return { sub };
  }

  @Get('again')
  again(): Promise<TokenPair> {
    return this.refresh.signIn('bob');
  }

  @Get('refused')
  refused(): never {
    throw new TokenMissing();
  }
}

/** Where tokens and errors leave without an interceptor. */
@Controller('bare')
class BareRoutes {
  constructor(private readonly refresh: RefreshService) {}

  @Get('refresh')
  async again(): Promise<TokenPair> {
    return (await this.refresh.rotate('junk')).pair;
  }

  @Get('limited')
  limited(): never {
    throw new RefreshLimited(7);
  }
}

@Controller()
class Routes {
  @Get('connection')
  @UseGuards(ConnectionGuard)
  connection(@CurrentUser('sub') sub: string): object {
    return { sub };
  }

  @Get('revoked-between')
  @UseGuards(JwtAuthGuard, RevokingGuard, JwtAuthGuard)
  revokedBetween(): object {
    return {};
  }

  @Get('deciding')
  @UseGuards(DecidingGuard)
  deciding(@CurrentUser() user?: Principal): object {
    return { user: user ?? null };
  }

  @OptionalAuth()
  @Get('deciding-optional')
  @UseGuards(DecidingGuard)
  decidingOptional(@CurrentUser() user?: Principal): object {
    return { user: user ?? null };
  }

  @Public()
  @Get('public')
  @UseGuards(JwtAuthGuard)
  open(@CurrentUser() user?: Principal): object {
    return { user: user ?? null };
  }

  @OptionalAuth()
  @Get('optional')
  @UseGuards(JwtAuthGuard)
  optional(@CurrentUser('sub') sub?: string): object {
    return { sub: sub ?? null };
  }

  @Fresh('5m')
  @Get('fresh')
  @UseGuards(JwtAuthGuard)
  fresh(): object {
    return { fresh: true };
  }

  @Get('session')
  @UseGuards(JwtAuthGuard)
  session(@CurrentSession() session: SessionInfo): SessionInfo {
    return session;
  }

  @OptionalAuth()
  @Get('anonymous-session')
  @UseGuards(JwtAuthGuard)
  anonymous(@CurrentSession() session?: SessionInfo): object {
    return { session: session ?? null };
  }

  @Get('talkative')
  @UseGuards(TalkativeGuard)
  talkative(@CurrentUser() user: Principal): Principal {
    return user;
  }

  @Get('slow-guard')
  @UseGuards(SlowGuard)
  slow(@CurrentUser('sub') sub: string): object {
    return { sub };
  }

  @Get('twice')
  @UseGuards(JwtAuthGuard, JwtAuthGuard)
  twice(): object {
    return {};
  }
}

@Catch()
class CatchAll implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}

  catch(exception: unknown, host: ArgumentsHost): void {
    const status = exception instanceof HttpException ? exception.getStatus() : 500;
    const body = { caught: true, inner: exception instanceof HttpException ? exception.getResponse() : String(exception) };
    this.host.httpAdapter.reply(host.switchToHttp().getResponse(), body, status);
  }
}

describe.each(ADAPTERS)('JwtAuthGuard on %s', (adapter: AdapterName) => {
  let running: TestApp;
  afterEach(async () => {
    seen.length = 0;
    jest.restoreAllMocks();
    await running.close();
  });

  const start = async (options: Partial<TokenModuleRootOptions> = {}, setup: AppSetup = {}): Promise<TestApp> =>
    (running = await startApp({ adapter, options, controllers: [Routes, MeController], ...setup }));
  const signIn = (subject = 'alice') => running.app.get(RefreshService).signIn(subject, { claims: { roles: ['admin'] } });

  describe('decorators', () => {
    it('@Public() opens a route and looks at no token', async () => {
      await start();
      const answer = await running.call('/public', { headers: { authorization: 'Bearer junk' } });
      expect([answer.status, answer.json()]).toEqual([200, { user: null }]);
    });

    it('@OptionalAuth() lets an anonymous caller in and refuses bad credentials', async () => {
      await start();
      const pair = await signIn();
      const answers = await Promise.all(
        [{}, bearing(pair), { authorization: 'Basic dTpw' }, { authorization: 'Bearer junk' }].map((headers) =>
          running.call('/optional', { headers }),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 401]);
      expect(answers.slice(0, 3).map((answer) => answer.json())).toEqual([{ sub: null }, { sub: 'alice' }, { sub: null }]);
      expect((await running.call('/anonymous-session')).json()).toEqual({ session: null });
    });

    it('@Fresh() asks for a recent sign-in, which a refresh is not', async () => {
      await start();
      const pair = await signIn();
      const stale = issuedAt(running.app, { pair, at: Date.now(), authTime: Date.now() - 301_000, lifetimeMs: 60_000 });
      expect((await running.call('/fresh', { headers: bearing(pair) })).status).toBe(200);
      const answer = await running.call('/fresh', { headers: { authorization: `Bearer ${stale}` } });
      expect([answer.status, answer.json().errorCode]).toEqual([401, 'fresh_token_required']);
      expect(answer.headers['www-authenticate']).toBe(
        'Bearer error="invalid_token", error_description="a more recent sign-in is required"',
      );
    });

    it('@Fresh() refuses a token of AccessTokenService.sign unless it was given an authTime (F-17)', async () => {
      await start();
      const { sessionId } = await signIn();
      const tokens = running.app.get(AccessTokenService);
      const answers = await Promise.all(
        [{}, { authTime: Date.now() - 301_000 }, { authTime: Date.now() }].map(async (given) =>
          running.call('/fresh', { headers: { authorization: `Bearer ${await tokens.sign('alice', { sessionId, ...given })}` } }),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual([401, 401, 200]);
      expect(answers[0]?.json().errorCode).toBe('fresh_token_required');
    });

    it('@CurrentSession() tells the session and the application’s own claims', async () => {
      await start();
      const pair = await signIn();
      const session = (await running.call('/session', { headers: bearing(pair) })).json<SessionInfo>();
      expect(session).toEqual({ sessionId: pair.sessionId, subject: 'alice', authTime: expect.any(Number), claims: { roles: ['admin'] } });
      expect(Math.abs(session.authTime - Date.now())).toBeLessThan(5_000);
    });
  });

  describe('handleRequest', () => {
    it('is called for unknown and for known tokens, and what it returns becomes the user', async () => {
      await start();
      const pair = await signIn();
      const answers = [
        await running.call('/talkative', { headers: bearing(pair) }),
        await running.call('/talkative', { headers: bearing(pair) }),
      ];
      expect(answers.map((answer) => answer.json().seen)).toEqual([1, 2]);
      expect(seen).toEqual([
        [null, 'alice', undefined],
        [null, 'alice', undefined],
      ]);
    });

    it('is told why credentials were refused, and may answer in its own way', async () => {
      await start();
      const answers = [await running.call('/talkative'), await running.call('/talkative', { headers: { authorization: 'Bearer junk' } })];
      expect(answers.map((answer) => [answer.status, answer.json().message])).toEqual([
        [401, 'mine'],
        [401, 'mine'],
      ]);
      expect(seen).toEqual([
        [null, false, 'token_missing'],
        [null, false, 'token_malformed'],
      ]);
    });

    it.each([
      ['false', () => false],
      ['undefined', () => undefined],
      ['a promise of false', () => Promise.resolve(false)],
      ['a thenable of another library that gives undefined', () => ({ then: (done: (user: unknown) => void) => done(undefined) })],
    ])('that gives %s lets nobody in, unless the route is optional (F-09)', async (_, verdict) => {
      await start();
      DecidingGuard.verdict = verdict;
      const headers = bearing(await signIn());
      const required = await running.call('/deciding', { headers });
      expect([required.status, required.headers['www-authenticate']]).toEqual([401, 'Bearer']);
      const optional = await running.call('/deciding-optional', { headers });
      expect([optional.status, optional.json()]).toEqual([200, { user: null }]);
    });

    it('is awaited when it gives a thenable that is no native promise (F-09)', async () => {
      await start();
      DecidingGuard.verdict = () => ({ then: (_done: unknown, failed: (error: Error) => void) => failed(new UnauthorizedException('no')) });
      expect((await running.call('/deciding')).status).toBe(401);
      DecidingGuard.verdict = () => ({ then: (done: (user: unknown) => void) => done({ sub: 'carol' }) });
      expect((await running.call('/deciding')).json()).toEqual({ user: { sub: 'carol' } });
    });

    it('that rejects with a TokenError gets its challenge, for known tokens too', async () => {
      await start();
      const headers = bearing(await signIn());
      await running.call('/me', { headers });
      DecidingGuard.verdict = () => Promise.reject(new TokenMissing());
      const answer = await running.call('/deciding', { headers });
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    });

    it('may be asynchronous', async () => {
      await start();
      const pair = await signIn();
      const answers = [
        await running.call('/slow-guard', { headers: bearing(pair) }),
        await running.call('/slow-guard', { headers: bearing(pair) }),
      ];
      expect(answers.map((answer) => answer.json())).toEqual([{ sub: 'later alice' }, { sub: 'later alice' }]);
      expect((await running.call('/slow-guard')).status).toBe(401);
    });
  });

  describe('a subclass with its own request and response', () => {
    it('is followed by @CurrentUser(), the challenge and the interceptor (F-32)', async () => {
      await start({}, { controllers: [PackedRoutes] });
      const { accessToken, sessionId } = await signIn();
      const written = new Map<string, unknown>();
      const setHeader = (name: string, value: unknown) => written.set(name.toLowerCase(), value);
      packedResponses.set('1', { setHeader, writeHead: () => undefined, headersSent: false } as never);
      const call = (path: string, access = `Bearer ${accessToken}`) =>
        running.call(path, { headers: { 'packed-access': access, 'packed-id': '1' } });
      expect((await call('/packed/me')).json()).toEqual({ sub: 'alice' });
      const again = await call('/packed/again');
      expect([again.headers.authorization, written.get('authorization')]).toEqual([
        undefined,
        `Bearer ${again.json<{ access_token: string }>().access_token}`,
      ]);
      expect(again.json().session_id).not.toBe(sessionId);
      await call('/packed/refused');
      expect(written.get('www-authenticate')).toBe('Bearer');
      written.clear();
      const refused = await call('/packed/me', 'Bearer junk');
      expect([refused.headers['www-authenticate'], written.get('www-authenticate')]).toEqual([
        undefined,
        expect.stringContaining('invalid_token'),
      ]);
    });
  });

  describe('each use of a token', () => {
    it('is judged anew where one request object stands for a whole connection (F-04)', async () => {
      const loadUser = jest.fn((subject: string) => ({ name: subject }));
      const clock = new FakeClock(Date.now());
      await start({ loadUser }, { clock });
      const [one, two] = [await signIn(), await signIn()];
      ConnectionGuard.connection = { headers: bearing(one) };
      loadUser.mockClear();
      for (let use = 0; use < 2; use++) expect((await running.call('/connection')).json()).toEqual({ sub: 'alice' });
      expect(loadUser).toHaveBeenCalledTimes(2);
      await running.app.get(RefreshService).revoke(one.sessionId);
      expect((await running.call('/connection')).json().errorCode).toBe('token_revoked');
      ConnectionGuard.connection = { headers: { authorization: `Bearer ${two.accessToken}` } };
      expect((await running.call('/connection')).status).toBe(200);
      clock.advance('1h');
      expect((await running.call('/connection')).json().errorCode).toBe('token_expired');
    });

    it('is judged anew by a second guard on a request that the first one has refreshed (F-04)', async () => {
      await start();
      const pair = await signIn();
      const answer = await running.call('/revoked-between', { headers: bearing(expired(running.app, pair)) });
      expect([answer.status, answer.json().errorCode, answer.headers['x-refresh-token']]).toEqual([401, 'token_revoked', undefined]);
    });
  });

  describe('a TokenError that a handler throws without the interceptor', () => {
    it('has its challenge, Retry-After and errorBody (F-36)', async () => {
      await start({ errorBody: (error) => ({ code: error.errorCode }) }, { controllers: [BareRoutes] });
      const invalid = await running.call('/bare/refresh');
      expect([invalid.status, invalid.json(), invalid.headers['www-authenticate']]).toEqual([
        401,
        { code: 'refresh_invalid' },
        'Bearer error="invalid_token", error_description="refresh token is invalid"',
      ]);
      const limited = await running.call('/bare/limited');
      expect([limited.status, limited.headers['retry-after']]).toEqual([429, '7']);
    });

    it('goes to a filter of the application first (F-36)', async () => {
      await start({}, { controllers: [BareRoutes], providers: [{ provide: APP_FILTER, useClass: CatchAll }] });
      expect((await running.call('/bare/limited')).json()).toMatchObject({ caught: true });
    });
  });

  describe('a credential that is literally null or undefined', () => {
    it.each(['null', 'undefined'])('is absent: %s beside a good refresh token refreshes (F-37)', async (word) => {
      await start();
      const { refreshToken = '' } = await signIn();
      const refreshed = await running.call('/me', { headers: { authorization: `Bearer ${word}`, 'x-refresh-token': refreshToken } });
      expect([refreshed.status, refreshed.headers['x-refresh-token']?.length]).toEqual([200, 56]);
      const missing = await running.call('/me', { headers: { authorization: `Bearer ${word}`, 'x-refresh-token': word } });
      expect([missing.status, missing.json().errorCode]).toEqual([401, 'token_missing']);
    });
  });

  describe('the refresh inside a request', () => {
    it('happens once when the guard is bound globally and twice on the route', async () => {
      await start({}, { providers: [{ provide: APP_GUARD, useClass: JwtAuthGuard }] });
      const pair = await signIn();
      const present = jest.spyOn(running.app.get(TokenRepository, { strict: false }), 'rotate');
      const answer = await running.call('/twice', { headers: bearing(expired(running.app, pair)) });
      expect([answer.status, present.mock.calls.length]).toEqual([200, 1]);
    });

    it('happens when the access token is absent', async () => {
      await start();
      const { refreshToken = '' } = await signIn();
      const answer = await running.call('/me', { headers: { 'x-refresh-token': refreshToken } });
      expect([answer.status, answer.json().sub, answer.headers['x-refresh-token']?.length]).toEqual([200, 'alice', 56]);
    });

    it('happens when the kid of the access token is unknown here', async () => {
      await start();
      const pair = await signIn();
      const [header = '', ...rest] = pair.accessToken.split('.');
      const other = { ...(JSON.parse(Buffer.from(header, 'base64url').toString()) as object), kid: 'retired' };
      const authorization = `Bearer ${[Buffer.from(JSON.stringify(other)).toString('base64url'), ...rest].join('.')}`;
      const answer = await running.call('/me', { headers: { ...bearing(pair), authorization } });
      expect([answer.status, answer.headers['x-refresh-token']?.length]).toEqual([200, 56]);
    });

    it.each([
      ['a failed signature', (token: string) => `${token.slice(0, -4)}AAAA`, 'token_invalid'],
      ['a malformed token', () => 'junk', 'token_malformed'],
    ])('does not heal %s', async (_title, damage, code) => {
      await start();
      const pair = await signIn();
      const answer = await running.call('/me', { headers: { ...bearing(pair), authorization: `Bearer ${damage(pair.accessToken)}` } });
      expect([answer.status, answer.json().errorCode, answer.headers['x-refresh-token']]).toEqual([401, code, undefined]);
    });

    it('does not heal a revoked session (RR-17)', async () => {
      await start();
      const pair = await signIn();
      await running.app.get(RefreshService).signOut(pair.refreshToken);
      const answers = [
        await running.call('/me', { headers: bearing(pair) }),
        await running.call('/me', { headers: bearing(expired(running.app, pair)) }),
      ];
      expect(answers.map((answer) => [answer.status, answer.json().errorCode])).toEqual([
        [401, 'token_revoked'],
        [401, 'session_revoked'],
      ]);
    });

    it('refuses the refresh token of another session, rotates neither and lets both live (F-21)', async () => {
      await start();
      const [one, other] = [await signIn(), await signIn('bob')];
      const answer = await running.call('/me', {
        headers: { ...bearing(expired(running.app, one)), 'x-refresh-token': other.refreshToken ?? '' },
      });
      expect([answer.status, answer.json().errorCode]).toEqual([401, 'session_mismatch']);
      const outcomes = await Promise.all([one, other].map(({ refreshToken }) => running.app.get(RefreshService).rotate(refreshToken)));
      expect(outcomes.map(({ outcome }) => outcome)).toEqual(['rotated', 'rotated']);
    });

    it('does not happen while the access token is good', async () => {
      await start();
      const pair = await signIn();
      const rotate = jest.spyOn(running.app.get(TokenRepository, { strict: false }), 'rotate');
      await running.call('/me', { headers: bearing(pair) });
      expect(rotate).not.toHaveBeenCalled();
    });

    it('does not happen where there is no response to put tokens on, or on OPTIONS', async () => {
      await start();
      const pair = expired(running.app, await signIn());
      const guard = await running.app.resolve(JwtAuthGuard).catch(() => running.app.get(JwtAuthGuard, { strict: false }));
      const contextOf = (method: string, response: object | undefined): ExecutionContext => {
        const request = { method, headers: bearing(pair) };
        return {
          getType: () => 'http',
          getArgs: () => [request, response],
          getClass: () => MeController,
          getHandler: () => MeController.prototype.me,
          switchToHttp: () => ({ getRequest: () => request, getResponse: () => response }),
        } as unknown as ExecutionContext;
      };
      await expect(guard.canActivate(contextOf('GET', undefined))).rejects.toMatchObject({ errorCode: 'token_expired' });
      await expect(guard.canActivate(contextOf('OPTIONS', { headersSent: true }))).rejects.toMatchObject({ errorCode: 'token_expired' });
    });

    it('gives each of the requests that share a failing refresh its Retry-After', async () => {
      await start();
      const pair = expired(running.app, await signIn());
      const repository = running.app.get(TokenRepository, { strict: false });
      jest.spyOn(repository, 'rotate').mockImplementation(async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        throw new Error('gone');
      });
      const answers = await Promise.all([1, 2, 3].map(() => running.call('/me', { headers: bearing(pair) })));
      expect(answers.map(({ status, headers }) => [status, headers['retry-after']])).toEqual(Array(3).fill([503, '1']));
    });

    it('answers 503 while the store is away, and loses nothing', async () => {
      await start();
      running.app.useLogger(false);
      const pair = expired(running.app, await signIn());
      const rotate = jest.spyOn(running.app.get(TokenRepository, { strict: false }), 'rotate').mockRejectedValue(new Error('gone'));
      const down = await running.call('/me', { headers: bearing(pair) });
      expect([down.status, down.headers['retry-after'], down.json().errorCode]).toEqual([503, '1', 'store_unavailable']);
      expect(down.headers['www-authenticate']).toBeUndefined();
      rotate.mockRestore();
      expect((await running.call('/me', { headers: bearing(pair) })).status).toBe(200);
    });

    it('answers 429 with Retry-After when the session is refreshed too often', async () => {
      const clock = new FakeClock();
      await start({ refresh: { limit: { max: 1, per: '3h' } }, repository: InMemoryTokenRepository }, { clock });
      const first = await signIn();
      clock.advance('1h');
      const second = await running.call('/me', { headers: bearing(first) });
      clock.advance('1h');
      const answer = await running.call('/me', { headers: { 'x-refresh-token': second.headers['x-refresh-token'] as string } });
      expect([answer.status, answer.json().errorCode]).toEqual([429, 'refresh_limited']);
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(3_500);
    });
  });

  describe('loadUser', () => {
    it('puts the user on the principal of every request, refreshed or not', async () => {
      await start({ loadUser: (subject) => ({ name: subject.toUpperCase() }) });
      const pair = await signIn();
      const answers = [
        await running.call('/me', { headers: bearing(pair) }),
        await running.call('/me', { headers: bearing(pair) }),
        await running.call('/me', { headers: bearing(expired(running.app, pair)) }),
      ];
      expect(answers.map((answer) => answer.json().user)).toEqual([{ name: 'ALICE' }, { name: 'ALICE' }, { name: 'ALICE' }]);
    });

    it('refuses a user who is gone, and answers 500 when it fails', async () => {
      let verdict: () => object | null = () => ({});
      await start({ loadUser: () => verdict() });
      running.app.useLogger(false);
      const pair = await signIn();
      verdict = () => null;
      const gone = await running.call('/me', { headers: bearing(pair) });
      verdict = () => {
        throw new Error('a mistake in the hook');
      };
      const failing = await running.call('/me', { headers: bearing(pair) });
      expect([gone, failing].map((answer) => [answer.status, answer.json().errorCode])).toEqual([
        [401, 'user_rejected'],
        [500, 'hook_failed'],
      ]);
    });
  });

  describe('answers', () => {
    it('lets errorBody shape the body and keeps status and challenge', async () => {
      await start({ errorBody: (error) => ({ code: 4101, msg: error.errorCode }) });
      const answer = await running.call('/me');
      expect([answer.status, answer.json(), answer.headers['www-authenticate']]).toEqual([
        401,
        { code: 4101, msg: 'token_missing' },
        'Bearer',
      ]);
    });

    it("is right under an application's own catch-all filter", async () => {
      await start(
        { errorBody: (error) => ({ code: error.errorCode }) },
        { prepare: (app) => void app.useGlobalFilters(new CatchAll(app.get(HttpAdapterHost))) },
      );
      const answer = await running.call('/me', { headers: { authorization: 'Bearer a.b.c' } });
      expect([answer.status, answer.json()]).toEqual([401, { caught: true, inner: { code: 'token_malformed' } }]);
      expect(answer.headers['www-authenticate']).toBe('Bearer error="invalid_token", error_description="access token is malformed"');
    });

    it('speaks of a store that is away as an error, not as a verdict', async () => {
      await start({ revocation: 'strict' });
      running.app.useLogger(false);
      const pair = await signIn();
      jest.spyOn(running.app.get(TokenRepository, { strict: false }), 'find').mockRejectedValue(new Error('gone'));
      await running.call('/talkative', { headers: bearing(pair) });
      expect(seen).toEqual([[expect.any(StoreUnavailable), false, undefined]]);
    });
  });

  describe('header names and schemes', () => {
    it('takes a bare token from a header of any name and sends it back there', async () => {
      await start({ header: { access: 'z-token', refresh: 'z-refresh', expiresIn: 'z-expires', scheme: '' } });
      const pair = await signIn();
      expect((await running.call('/me', { headers: { 'z-token': pair.accessToken } })).status).toBe(200);
      const answer = await running.call('/me', {
        headers: { 'z-token': expired(running.app, pair).accessToken, 'z-refresh': pair.refreshToken ?? '' },
      });
      expect(answer.headers['z-token']).toMatch(/^ey[\w.-]+$/);
      expect(answer.headers).toMatchObject({ 'z-refresh': expect.stringMatching(/^ntr_/), 'z-expires': expect.any(String) });
      expect(answer.headers['access-control-expose-headers']).toBe('z-token, z-refresh, z-expires');
      expect((await running.call('/me')).headers['www-authenticate']).toBe('Bearer');
    });

    it('knows another scheme, in any case', async () => {
      await start({ header: { scheme: 'Token' } });
      const { accessToken } = await signIn();
      const answers = await Promise.all(
        ['Token', 'token', 'TOKEN', 'Bearer'].map((scheme) =>
          running.call('/me', { headers: { authorization: `${scheme} ${accessToken}` } }),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 401]);
      expect(answers[3]?.headers['www-authenticate']).toBe('Token');
    });
  });

  describe("revocation: 'strict'", () => {
    it('asks the store on every request', async () => {
      await start({ revocation: 'strict' });
      const pair = await signIn();
      const find = jest.spyOn(running.app.get(TokenRepository, { strict: false }), 'find');
      await running.call('/me', { headers: bearing(pair) });
      await running.call('/me', { headers: bearing(pair) });
      expect(find).toHaveBeenCalledTimes(2);
    });
  });
});
