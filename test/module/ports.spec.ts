import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import {
  Controller,
  ForbiddenException,
  Get,
  Headers,
  HttpCode,
  Injectable,
  Logger,
  Post,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import type {
  CheckedRequest,
  Credentials,
  IssuedTokens,
  Principal,
  TokenEvent,
  TokenPair,
  TokenRequest,
  VerificationKey,
} from 'nestjs-token';
import {
  AccessTokenService,
  CurrentSession,
  CurrentUser,
  JwtAuthGuard,
  KeySource,
  RefreshService,
  RequestCheck,
  SessionDenylist,
  SessionListener,
  Signer,
  TokenInterceptor,
  TokenInvalid,
  TokenModule,
  TokenRepository,
  TokenTransport,
} from 'nestjs-token';
import { createHmac } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { AdapterName, AppSetup, TestApp } from '../support/app.js';
import { ADAPTERS, bearing, expired, ISSUER, MeController, resolvedOptionsOf, SECRET, startApp } from '../support/app.js';

@Controller()
class SignInController {
  constructor(private readonly refresh: RefreshService) {}

  @Post('sign-in')
  @HttpCode(200)
  @UseInterceptors(TokenInterceptor)
  async signIn(): Promise<{ session: string; pair: TokenPair }> {
    const pair = await this.refresh.signIn('alice');
    return { session: pair.sessionId, pair };
  }

  @Post('refresh')
  @HttpCode(200)
  @UseInterceptors(TokenInterceptor)
  async renew(@Headers('x-refresh-token') token: string): Promise<TokenPair> {
    return (await this.refresh.rotate(token)).pair;
  }
}

/** Tokens travel in two headers of its own, bare. */
@Injectable()
class OwnTransport extends TokenTransport {
  override read({ headers }: TokenRequest): Credentials {
    const [access, refresh] = [headers['own-access'], headers['own-refresh']];
    return {
      ...(typeof access === 'string' && { access: { token: access, source: 'header' } }),
      ...(typeof refresh === 'string' && { refresh: { token: refresh, source: 'header' } }),
    };
  }

  override write(response: object, { accessToken, refreshToken }: IssuedTokens): void {
    const raw = (response as { raw?: ServerResponse }).raw ?? (response as ServerResponse);
    raw.setHeader('own-access', accessToken);
    if (refreshToken !== undefined) raw.setHeader('own-refresh', refreshToken);
  }

  override clear(): void {}
}

/** Refuses what the test says, and remembers what it was asked about. */
class WitnessCheck extends RequestCheck {
  readonly asked: ['use' | 'rotate', CheckedRequest][] = [];
  refuses: 'use' | 'rotate' | null = null;
  constructor(private readonly isAsynchronous: boolean) {
    super();
  }

  override check(stage: 'use' | 'rotate', checked: CheckedRequest): void | Promise<void> {
    this.asked.push([stage, checked]);
    const error = stage === this.refuses ? new TokenInvalid() : null;
    if (this.isAsynchronous) return error ? Promise.reject(error) : Promise.resolve();
    if (error) throw error;
  }
}

describe.each(ADAPTERS)('what an application overrides on %s', (adapter: AdapterName) => {
  let running: TestApp;
  beforeEach(() => Logger.overrideLogger(false));
  afterEach(() => running.close());
  const start = async (token: unknown, value: object, setup: AppSetup = {}): Promise<void> => {
    const override: AppSetup['override'] = (builder) => void builder.overrideProvider(token).useValue(value);
    running = await startApp({ adapter, controllers: [MeController, SignInController], override, ...setup });
  };
  const signIn = () => running.app.get(RefreshService).signIn('alice');

  describe('the TokenTransport', () => {
    it('reaches the guard, its refresh, and the interceptor', async () => {
      await start(TokenTransport, new OwnTransport());
      const signedIn = await running.call('/sign-in', { method: 'POST' });
      const [access, refresh] = [String(signedIn.headers['own-access']), String(signedIn.headers['own-refresh'])];
      expect(signedIn.headers['authorization']).toBeUndefined();
      expect((await running.call('/me', { headers: { 'own-access': access } })).json()).toMatchObject({ sub: 'alice' });
      expect((await running.call('/me', { headers: { authorization: `Bearer ${access}` } })).status).toBe(401);
      const refreshed = await running.call('/me', { headers: { 'own-refresh': refresh } });
      expect([refreshed.status, typeof refreshed.headers['own-access'], refreshed.headers['own-refresh'] === refresh]).toEqual([
        200,
        'string',
        false,
      ]);
    });
  });

  describe.each([
    ['at once', false],
    ['with a promise', true],
  ])('a RequestCheck that responds %s', (_, isAsynchronous) => {
    let check: WitnessCheck;
    beforeEach(async () => start(RequestCheck, (check = new WitnessCheck(isAsynchronous))));

    it('is asked before a good token is used, for known tokens too, and learns whose it is', async () => {
      const pair = await signIn();
      for (let request = 0; request < 3; request++) expect((await running.call('/me', { headers: bearing(pair) })).status).toBe(200);
      expect(check.asked.map(([stage, { sessionId, claims }]) => [stage, sessionId, claims?.sub])).toEqual(
        Array.from({ length: 3 }, () => ['use', pair.sessionId, 'alice']),
      );
      expect(check.asked[0]?.[1].credentials).toMatchObject({ access: { token: pair.accessToken, source: 'header', scheme: 'Bearer' } });
    });

    it('refuses the use of a good token', async () => {
      const pair = await signIn();
      check.refuses = 'use';
      expect((await running.call('/me', { headers: bearing(pair) })).status).toBe(401);
    });

    it('is asked before a refresh, and refuses it before anything is rotated', async () => {
      const pair = await signIn();
      const old = expired(running.app, pair);
      check.refuses = 'rotate';
      expect((await running.call('/me', { headers: bearing(old) })).status).toBe(401);
      expect(check.asked.map(([stage, { sessionId, claims }]) => [stage, sessionId, claims])).toEqual([['rotate', pair.sessionId, null]]);
      const found = await running.app.get(TokenRepository, { strict: false }).find({ realm: 'default', id: pair.sessionId });
      expect(found?.session).toMatchObject({ generation: 0, revokedAt: null });
      check.refuses = null;
      expect((await running.call('/me', { headers: bearing(old) })).status).toBe(200);
    });
  });

  it('the KeySource may find keys with a promise, and decides about known tokens too', async () => {
    let isTrusted = true;
    class SlowKeys extends KeySource {
      override async find(kid: string): Promise<VerificationKey | undefined> {
        return resolvedOptionsOf(running.app).access.ring.find(kid);
      }
      override trusts(): boolean {
        return isTrusted;
      }
      override get all(): readonly VerificationKey[] {
        return resolvedOptionsOf(running.app).access.ring.all;
      }
      override retire(): void {}
    }
    await start(KeySource, new SlowKeys());
    const pair = await signIn();
    const statuses = [];
    for (const trusted of [true, true, false]) {
      isTrusted = trusted;
      statuses.push((await running.call('/me', { headers: bearing({ accessToken: pair.accessToken }) })).status);
    }
    expect(statuses).toEqual([200, 200, 401]);
  });

  describe('the Signer', () => {
    /** Signs in another place, as a key management service does. */
    class RemoteSigner extends Signer {
      isAway = false;
      readonly kid = 'remote';
      readonly algorithm = 'HS256';
      override async sign(input: Uint8Array): Promise<Uint8Array> {
        await new Promise((resolve) => setImmediate(resolve));
        if (this.isAway) throw new Error('the service does not respond');
        return createHmac('sha256', KEY).update(input).digest();
      }
    }
    const KEY = 'a key that only the service has, 7d2a49368f1c0e5b';
    const tokens = TokenModule.forRoot({
      issuer: ISSUER,
      keys: [{ kid: 'remote', algorithm: 'HS256', key: KEY, use: 'sign' }],
      refresh: { secret: SECRET },
    });
    let signer: RemoteSigner;
    beforeEach(async () => {
      signer = new RemoteSigner();
      await start(Signer, signer, { options: null, imports: [tokens] });
    });

    it('signs every access token: those of sign-in, refresh and AccessTokenService', async () => {
      const pair = await signIn();
      expect((await running.call('/me', { headers: bearing(pair) })).json()).toMatchObject({ sub: 'alice' });
      const refreshed = await running.call('/me', { headers: { 'x-refresh-token': pair.refreshToken! } });
      expect(refreshed.status).toBe(200);
      const own = await running.app.get(AccessTokenService).sign('bob', { sessionId: pair.sessionId });
      expect((await running.call('/me', { headers: { authorization: `Bearer ${own}` } })).json()).toMatchObject({ sub: 'bob' });
    });

    it('that does not respond is 503 with Retry-After, and signs nobody out', async () => {
      const pair = await signIn();
      signer.isAway = true;
      const away = await running.call('/me', { headers: { 'x-refresh-token': pair.refreshToken! } });
      expect([away.status, away.json().errorCode, away.headers['retry-after']]).toEqual([503, 'signer_unavailable', '1']);
      signer.isAway = false;
      expect((await running.call('/me', { headers: { 'x-refresh-token': pair.refreshToken! } })).status).toBe(200);
    });
  });

  it('the SessionDenylist reaches the guard and the refresh', async () => {
    const revoked = new Set<string>();
    class OwnDenylist extends SessionDenylist {
      override has(sessionId: string): boolean {
        return revoked.has(sessionId);
      }
      override accessEpoch(sessionId: string): number {
        return this.has(sessionId) ? Infinity : 0;
      }
      override addOwnAccess(): void {}
      override isCurrent(): boolean {
        return true;
      }
      override async confirm(sessionId: string): Promise<void> {
        if (this.has(sessionId)) throw new TokenInvalid();
      }
      override addOwn(sessionIds: readonly string[]): void {
        this.add(sessionIds);
      }
      override add(sessionIds: readonly string[]): void {
        for (const id of sessionIds) revoked.add(id);
      }
    }
    await start(SessionDenylist, new OwnDenylist());
    const pair = await signIn();
    expect((await running.call('/me', { headers: bearing(pair) })).status).toBe(200);
    revoked.add(pair.sessionId);
    expect((await running.call('/me', { headers: bearing(pair) })).status).toBe(401);
    expect((await running.call('/refresh', { method: 'POST', headers: { 'x-refresh-token': pair.refreshToken! } })).json()).toMatchObject({
      errorCode: 'session_revoked',
    });
    const other = await signIn();
    await running.app.get(RefreshService).signOut(other.refreshToken);
    expect(revoked).toContain(other.sessionId);
  });

  it('the SessionListener is told what happens', async () => {
    const told: TokenEvent['type'][] = [];
    class Told extends SessionListener {
      override on({ type }: TokenEvent): void {
        told.push(type);
      }
    }
    await start(SessionListener, new Told());
    const pair = await signIn();
    await running.call('/me', { headers: { 'x-refresh-token': pair.refreshToken! } });
    await running.app.get(RefreshService).signOut(pair.refreshToken);
    expect(told).toEqual(['signed-in', 'rotated', 'revoked']);
  });

  it('getRequest of a guard reaches the guard, the interceptor, the challenge and @CurrentUser() alike', async () => {
    @Injectable()
    class EnvelopeGuard extends JwtAuthGuard {
      protected override getRequest(context: ExecutionContext): TokenRequest {
        const { headers } = context.switchToHttp().getRequest<TokenRequest>();
        return { headers: { authorization: String(headers['envelope']) } };
      }
    }
    @Controller('enveloped')
    @UseGuards(EnvelopeGuard)
    class Enveloped {
      constructor(private readonly refresh: RefreshService) {}

      @Get()
      who(@CurrentUser() user: Principal, @CurrentSession() session: { sessionId: string }): object {
        return { sub: user.sub, sid: session.sessionId };
      }

      @Post()
      @HttpCode(200)
      @UseInterceptors(TokenInterceptor)
      renew(@CurrentUser('sub') sub: string): Promise<TokenPair> {
        return this.refresh.signIn(sub);
      }

      @Get('forbidden')
      forbidden(): void {
        throw new ForbiddenException();
      }
    }
    running = await startApp({ adapter, controllers: [Enveloped] });
    const pair = await signIn();
    const envelope = (token: string) => ({ headers: { envelope: `Bearer ${token}` } });
    expect((await running.call('/enveloped', envelope(pair.accessToken))).json()).toEqual({ sub: 'alice', sid: pair.sessionId });
    const renewed = await running.call('/enveloped', { method: 'POST', ...envelope(pair.accessToken) });
    expect(renewed.headers['authorization']).toBe(`Bearer ${renewed.json()['access_token'] as string}`);
    const refused = await running.call('/enveloped', envelope('a.b.c'));
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([
      401,
      'Bearer error="invalid_token", error_description="access token is malformed"',
    ]);
    expect((await running.call('/enveloped', { headers: { authorization: `Bearer ${pair.accessToken}` } })).status).toBe(401);
    expect((await running.call('/enveloped/forbidden', envelope(pair.accessToken))).status).toBe(403);
  });
});
