import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Logger } from '@nestjs/common';
import type { TokenEvent, TokenModuleRootOptions } from 'nestjs-token';
import {
  AccessTokenService,
  InjectTokenEvents,
  RefreshService,
  StoreConflict,
  TokenEvents,
  TokenHealthIndicator,
  TokenModule,
  TokenRepository,
} from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { generateKeyPairSync } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { filter, map } from 'rxjs';
import type { AdapterName, AppSetup, TestApp } from '../support/app.js';
import { ADAPTERS, bearing, ISSUER, SECRET, startApp } from '../support/app.js';
import { forged, accessTokens, SESSION_ID } from '../support/access-tokens.js';
import { CapturedLog } from '../support/captured-log.js';
import { CookieController, startCookieApp } from '../support/cookie-app.js';
import { leakWatch } from '../support/leak-watch.js';
import { EventRelay } from '../support/lib.js';

const AS = { realm: 'default', at: expect.any(Number) as unknown };

/** Keeps the events of an instance, and tells which of them a client caused. */
class Told {
  readonly events: TokenEvent[] = [];
  readonly on = (event: TokenEvent): void => void this.events.push(event);

  get types(): string[] {
    return this.events.map(({ type }) => type);
  }

  /** Returns the events since the last call. */
  take(): TokenEvent[] {
    return this.events.splice(0);
  }
}

describe.each(ADAPTERS)('Events on %s', (adapter: AdapterName) => {
  let running: TestApp;
  let told: Told;
  let clock: FakeClock;
  beforeEach(() => {
    Logger.overrideLogger(false);
    told = new Told();
    clock = new FakeClock();
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await running.close();
  });
  const start = async (options: Partial<TokenModuleRootOptions> = {}, setup: AppSetup = {}): Promise<void> => {
    running = await startApp({
      adapter,
      clock,
      options: { repository: InMemoryTokenRepository, onEvent: told.on, ...options },
      ...setup,
    });
  };
  const signIn = () => running.app.get(RefreshService).signIn('alice');
  const get = (headers: Record<string, string>) => running.call('/me', { headers });

  describe('of refused requests', () => {
    it('LG-02 carry the code of the error, and the session only if a token was authentic', async () => {
      await start();
      const pair = await signIn();
      told.take();
      const { accessToken, sessionId } = pair;
      await get({});
      await get({ authorization: 'Bearer attacker\ttext' });
      await get(bearing({ accessToken: `${accessToken.slice(0, -8)}AAAAAAAA` }));
      await get({ 'x-refresh-token': 'ntr_forged' });
      clock.advance('1h');
      await get(bearing({ accessToken }));
      await running.app.get(RefreshService).revoke(sessionId);
      await get(bearing(pair));
      expect(told.take()).toEqual([
        { ...AS, type: 'access-rejected', code: 'token_missing' },
        { ...AS, type: 'access-rejected', code: 'token_malformed' },
        { ...AS, type: 'access-rejected', code: 'token_invalid' },
        { ...AS, type: 'access-rejected', code: 'refresh_invalid' },
        { ...AS, type: 'access-rejected', code: 'token_expired', sessionId },
        { ...AS, type: 'revoked', sessionId, reason: 'admin' },
        { ...AS, type: 'access-rejected', code: 'session_revoked', sessionId },
      ]);
    });

    it('LG-02 are told where a request of another site is refused, with the session that it is about', async () => {
      running = await startCookieApp({ onEvent: told.on }, { adapter, clock });
      const signedIn = await running.call('/auth/login', { method: 'POST' });
      const cookie = (signedIn.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]).join('; ');
      const [{ sessionId }] = told.take() as unknown as [{ sessionId: string }];
      const headers = { cookie, 'sec-fetch-site': 'cross-site' };
      await running.call('/notes', { method: 'POST', headers });
      clock.advance('1h');
      await running.call('/notes', { method: 'POST', headers });
      await running.call('/auth/logout', { method: 'POST', headers });
      expect(told.take()).toEqual([
        { ...AS, type: 'csrf-rejected', code: 'csrf_failed', sessionId },
        { ...AS, type: 'csrf-rejected', code: 'csrf_failed', sessionId },
        { ...AS, type: 'csrf-rejected', code: 'csrf_failed' },
      ]);
    });

    it('are told once, also if guard, interceptor and filter see the error, and not for an anonymous caller', async () => {
      await start({ transport: 'cookie' }, { controllers: [CookieController] });
      expect((await running.call('/auth/refresh', { method: 'POST' })).status).toBe(401);
      expect((await running.call('/optional')).status).toBe(200);
      expect(told.take()).toEqual([{ ...AS, type: 'access-rejected', code: 'refresh_missing' }]);
    });

    it('LG-03 hold nothing of a token that a stranger has signed, whatever its claims say', async () => {
      await start();
      const foreign = accessTokens();
      const token = await foreign.service.sign('alice', { sessionId: SESSION_ID });
      const evil = forged(foreign, token, { header: { kid: 'evil\nkid' }, payload: { sub: 'evil\nsub', sid: 'evil\nsid' } });
      await get(bearing({ accessToken: evil }));
      expect(JSON.stringify(told.take())).not.toContain('evil');
    });
  });

  it('are not told for a request whose access token is known, and for an open route', async () => {
    await start();
    const pair = await signIn();
    await get(bearing(pair));
    told.take();
    const asked = [jest.spyOn(EventRelay.prototype, 'wants'), jest.spyOn(EventRelay.prototype, 'on')];
    expect((await get(bearing(pair))).status).toBe(200);
    for (const spy of asked) expect(spy).not.toHaveBeenCalled();
    expect(told.events).toEqual([]);
  });

  it('are not even made if nobody listens', async () => {
    // The search for tokens in everything that is written listens to all events.
    leakWatch.uninstall();
    running = await startApp({ adapter, clock, options: { repository: InMemoryTokenRepository, telemetry: false } });
    const on = jest.spyOn(EventRelay.prototype, 'on');
    const pair = await signIn();
    clock.advance('1h');
    expect((await get(bearing(pair))).headers['x-refresh-token']).toBeDefined();
    await running.app.get(RefreshService).signOut(pair.refreshToken);
    expect(on.mock.calls).toEqual([]);
  });

  describe('of the store', () => {
    it('LG-02 are one when an outage begins and one when it has been over for a second', async () => {
      await start({ revocation: 'off' });
      const repository = running.app.get(TokenRepository, { strict: false });
      const now = jest.spyOn(performance, 'now');
      const instant = performance.now();
      const pair = await signIn();
      clock.advance('1h');
      told.take();
      const failing = jest.spyOn(repository, 'rotate').mockRejectedValue(new Error('connection lost'));
      for (let turn = 0; turn < 3; turn++) expect((await get(bearing(pair))).status).toBe(503);
      failing.mockRestore();
      now.mockReturnValue(instant + 500);
      await running.app.get(RefreshService).sessions('alice');
      expect(told.types).toEqual(['store-unavailable', ...Array<string>(3).fill('access-rejected')]);
      now.mockReturnValue(instant + 60_000);
      await running.app.get(RefreshService).sessions('alice');
      await running.app.get(RefreshService).sessions('alice');
      expect(told.events.slice(4)).toEqual([{ ...AS, type: 'store-recovered' }]);
    });

    it('are told of a store that fails under revocation: strict, and not of one in which statements meet', async () => {
      await start({ revocation: 'strict' });
      const repository = running.app.get(TokenRepository, { strict: false });
      const pair = await signIn();
      const find = jest.spyOn(repository, 'find').mockRejectedValue(new StoreConflict());
      expect((await get(bearing(pair))).status).toBe(503);
      find.mockRestore();
      clock.advance('1h');
      const rotate = jest.spyOn(repository, 'rotate').mockRejectedValue(new StoreConflict());
      expect((await get(bearing(pair))).status).toBe(503);
      expect(rotate).toHaveBeenCalled();
      expect(told.types).toEqual(['signed-in', 'access-rejected', 'access-rejected']);
      rotate.mockRestore();
      const { pair: next } = await running.app.get(RefreshService).rotate(pair.refreshToken);
      told.take();
      jest.spyOn(repository, 'find').mockRejectedValue(new Error('connection lost'));
      expect((await get(bearing(next))).status).toBe(503);
      expect(told.types).toEqual(['store-unavailable', 'access-rejected']);
    });

    it('are told of a poll that fails, and not of one that meets other statements', async () => {
      await start();
      const repository = running.app.get(TokenRepository, { strict: false });
      const pair = await signIn();
      const now = jest.spyOn(performance, 'now');
      const instant = performance.now();
      const outcomes: string[][] = [];
      for (const [turn, error] of [new StoreConflict(), new Error('connection lost')].entries()) {
        told.take();
        const poll = jest.spyOn(repository, 'revokedSince').mockRejectedValue(error);
        now.mockReturnValue(instant + 60_000 * (turn + 1));
        expect((await get(bearing(pair))).status).toBe(200);
        expect(poll).toHaveBeenCalled();
        outcomes.push(told.types);
      }
      expect(outcomes).toEqual([[], ['store-unavailable']]);
    });
  });

  it('LG-02 are told for each key that this node refuses from now on, and for no other', async () => {
    const key = (kid: string, use: 'sign' | 'verify') => ({ kid, algorithm: 'HS256' as const, key: SECRET + kid, use });
    let keys = [key('a', 'sign'), key('b', 'verify'), key('c', 'verify')];
    await start(
      {},
      {
        options: null,
        imports: [
          TokenModule.forRootAsync({
            repository: InMemoryTokenRepository,
            useFactory: () => ({ issuer: ISSUER, keys: () => keys, refresh: { secret: SECRET }, onEvent: told.on }),
          }),
        ],
      },
    );
    const service = running.app.get(AccessTokenService);
    service.retireKey('b');
    service.retireKey('unknown');
    keys = [key('a', 'sign'), key('d', 'verify')];
    await service.reloadKeys();
    expect(told.take()).toEqual([
      { ...AS, type: 'key-retired', kid: 'b' },
      { ...AS, type: 'key-retired', kid: 'c' },
    ]);
  });

  it('LG-02 are told of refusals by an instance without sessions and by one that only verifies, to all who listen', async () => {
    const key = generateKeyPairSync('ed25519');
    const keys = { keys: [{ ...key.publicKey.export({ format: 'jwk' }), kid: 'a', alg: 'EdDSA', use: 'sig' }] };
    for (const options of [
      { secret: SECRET, sessions: false as const },
      { secret: undefined, jwks: { document: keys } },
    ]) {
      const { secret, ...given } = options;
      const imports = [TokenModule.forRoot({ issuer: ISSUER, onEvent: told.on, ...given, ...(secret && { secret }) })];
      running = await startApp({ adapter, options: null, imports });
      const observed: TokenEvent[] = [];
      running.app.get(TokenEvents).subscribe((event) => void observed.push(event));
      await get({ authorization: 'Bearer a.b.c' });
      const { keys: health } = await running.app.get(TokenHealthIndicator).isHealthy('keys');
      expect([told.take(), health]).toEqual([[{ ...AS, type: 'access-rejected', code: 'token_malformed' }], { status: 'up' }]);
      expect(observed).toHaveLength(1);
      await running.close();
    }
  });

  describe('through TokenEvents', () => {
    it('reach the subscribers of their own instance, and end when the application closes', async () => {
      @Injectable()
      class Audit {
        readonly own: string[] = [];
        readonly admin: string[] = [];
        ended = 0;
        constructor(events: TokenEvents, @InjectTokenEvents('admin') admin: TokenEvents, @InjectTokenEvents() same: TokenEvents) {
          expect(same).toBe(events);
          events.pipe(map(({ type }) => type)).subscribe({ next: (type) => this.own.push(type), complete: () => this.ended++ });
          admin.pipe(filter(({ type }) => type === 'signed-in')).subscribe(({ realm }) => this.admin.push(realm));
        }
      }
      const admin = TokenModule.forRoot({
        name: 'admin',
        issuer: ISSUER,
        secret: `${SECRET}-2`,
        repository: InMemoryTokenRepository,
      });
      await start({}, { imports: [admin], providers: [Audit] });
      const audit = running.app.get(Audit);
      await signIn();
      await running.app.get<RefreshService>('nestjs-token:RefreshService:admin').signIn('root');
      expect([audit.own, audit.admin, audit.ended]).toEqual([['signed-in'], ['admin'], 0]);
      await running.app.close();
      expect(audit.ended).toBe(1);
    });

    it('reach every other subscriber and the client if one throws, rejects or never settles, also behind an operator', async () => {
      await start();
      const log = new CapturedLog();
      Logger.overrideLogger(log);
      const events = running.app.get(TokenEvents);
      const reached: string[] = [];
      const fail = (): never => {
        throw new Error('of the application');
      };
      events.subscribe(fail);
      events.subscribe({ next: fail });
      const asynchronous: ((event: TokenEvent) => unknown)[] = [async () => fail(), () => new Promise(() => undefined)];
      for (const listener of asynchronous) events.subscribe(listener);
      events.pipe(map(fail)).subscribe();
      events.pipe(filter(() => true), map(({ type }) => type)).subscribe(fail); // prettier-ignore
      events.subscribe(({ type }) => reached.push(type));
      const pair = await signIn();
      clock.advance('1h');
      const answer = await get(bearing(pair));
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect([answer.status, reached]).toEqual([200, ['signed-in', 'rotated']]);
      expect(log.of('error')).toEqual(['error a subscriber of TokenEvents failed undefined TokenModule']);
      expect(log.lines.join('\n')).not.toContain('of the application');
    });

    it('cannot be changed by a subscriber', async () => {
      await start();
      const failures: unknown[] = [];
      running.app.get(TokenEvents).subscribe((event) => {
        try {
          (event as { type: string }).type = 'reuse';
        } catch (error) {
          failures.push(error);
        }
      });
      await signIn();
      expect([told.types, failures]).toEqual([['signed-in'], [expect.any(TypeError)]]);
    });
  });

  describe('through node:diagnostics_channel', () => {
    it('are published on the channel with their name, to those who listen', async () => {
      await start();
      const published: unknown[] = [];
      const listener = (event: unknown): void => void published.push(event);
      subscribe('nestjs-token:signed-in', listener);
      const { sessionId } = await signIn();
      unsubscribe('nestjs-token:signed-in', listener);
      await signIn();
      expect(published).toEqual([{ ...AS, type: 'signed-in', sessionId, subject: 'alice' }]);
      expect(published[0]).toBe(told.events[0]);
    });
  });
});

describe('The log of events', () => {
  let running: TestApp;
  let log: CapturedLog;
  beforeEach(async () => {
    running = await startApp({ options: { repository: InMemoryTokenRepository } });
    Logger.overrideLogger((log = new CapturedLog()));
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    Logger.overrideLogger(false);
    await running.close();
  });

  const refuse = (count: number) =>
    Promise.all(Array.from({ length: count }, () => running.call('/me', { headers: { authorization: 'Bearer a.b.c' } })));

  it('LG-05 has one line in a minute for each code, however many bad tokens come, and says how many it has left out', async () => {
    const now = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    for (let turn = 0; turn < 20; turn++) await refuse(50);
    now.mockReturnValue(60_999);
    await refuse(1);
    expect(log.lines).toEqual(['warn request refused: realm=default code=token_malformed TokenModule']);
    now.mockReturnValue(61_000);
    await refuse(1);
    expect(log.lines.slice(1)).toEqual([
      'warn request refused: realm=default code=token_malformed, and 1000 more since the last line TokenModule',
    ]);
  });

  it('LG-05 has one line in a minute for listeners that fail, however many requests cause events', async () => {
    const fail = (): never => {
      throw new Error('of the application');
    };
    await running.close();
    running = await startApp({ options: { repository: InMemoryTokenRepository, onEvent: fail } });
    Logger.overrideLogger((log = new CapturedLog()));
    const events = running.app.get(TokenEvents);
    events.subscribe(fail);
    events.pipe(map(({ type }) => type)).subscribe(fail);
    const now = jest.spyOn(performance, 'now').mockReturnValue(1_000);
    await refuse(50);
    now.mockReturnValue(60_999);
    await refuse(1);
    const own = () => log.of('error').map((line) => line.replace(/^error (?:a |the )?| undefined TokenModule$/g, ''));
    expect(own().sort()).toEqual(['onEvent listener failed', 'subscriber of TokenEvents failed']);
    now.mockReturnValue(61_000);
    await refuse(1);
    expect(own().slice(2).sort()).toEqual([
      'onEvent listener failed, and 50 more since the last line',
      'subscriber of TokenEvents failed, and 101 more since the last line',
    ]);
  });

  it('LG-05 has no line for what honest clients cause: no token, and one of a session that has ended', async () => {
    const pair = await running.app.get(RefreshService).signIn('alice');
    await running.call('/me');
    await running.call('/me', { headers: bearing({ accessToken: pair.accessToken }) });
    await running.app.get(RefreshService).signOut(pair.refreshToken);
    await running.call('/me', { headers: bearing(pair) });
    expect(log.lines).toEqual([]);
  });
});
