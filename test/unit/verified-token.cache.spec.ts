import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Controller, Get, Injectable, UseGuards } from '@nestjs/common';
import type { Principal, TokenKey } from 'nestjs-token';
import { AccessTokenService, CurrentUser, JwtAuthGuard, RefreshService } from 'nestjs-token';
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { TokenInstance } from '../support/lib.js';
import { tokenInstanceToken, VerifiedTokenCache } from '../support/lib.js';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import type { AccessTokens } from '../support/access-tokens.js';
import { accessTokens, codeOf, decoded, forged, SESSION_ID, sessionId } from '../support/access-tokens.js';
import type { TestApp } from '../support/app.js';
import { bearing, MeController, SECRET, startApp, resolvedOptionsOf } from '../support/app.js';
import { findLeaks } from '../support/leaks.js';

const hmac = (kid: string, use: TokenKey['use']): TokenKey => ({ kid, algorithm: 'HS256', key: `${kid}-${SECRET}`, use });
const KEYS = [hmac('a', 'sign'), hmac('b', 'verify'), hmac('c', 'verify')];

/** Signs with one key of the ring, whatever that ring signs with. */
function signer(kid: string, clock: FakeClock): AccessTokens {
  const keys = KEYS.map((key) => ({ ...key, use: key.kid === kid ? ('sign' as const) : ('verify' as const) }));
  return accessTokens({ options: { keys, audience: ['web', 'admin'], access: { maxLifetime: '1h' } }, clock });
}

afterEach(() => {
  jest.restoreAllMocks();
});

/** Replaces `performance.now()` until the end of the test. */
function monotonicClock(): { now: number } {
  const monotonic = { now: 1_000 };
  jest.spyOn(performance, 'now').mockImplementation(() => monotonic.now);
  return monotonic;
}

describe('VerifiedTokenCache', () => {
  describe('VC-02 takes nothing but the exact token for the key', () => {
    it('VC-02 refuses every token that differs in one character from a warm one', async () => {
      const { service } = accessTokens();
      const token = await service.sign('alice', { sessionId: SESSION_ID });
      await service.verify(token);
      for (let at = 0; at < token.length; at++) {
        const mutant = `${token.slice(0, at)}${token[at] === 'x' ? 'y' : 'x'}${token.slice(at + 1)}`;
        expect(service.recall(mutant)).toBeUndefined();
        expect(await codeOf(() => service.verify(mutant))).toMatch(/^token_(malformed|invalid|type_mismatch)$/);
      }
      expect(service.recall(token)).toMatchObject({ claims: { sub: 'alice' } });
    });

    it.each(['=', '\n', ' ', '.', '\0'])('VC-02 refuses a warm token with %j behind it', async (suffix) => {
      const { service } = accessTokens();
      const token = await service.sign('alice', { sessionId: SESSION_ID });
      await service.verify(token);
      expect(await codeOf(() => service.verify(token + suffix))).toBe('token_malformed');
    });

    it('VC-02 refuses the other spellings of the last character of a warm RS256 token', async () => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
      const { service } = accessTokens({ options: { keys: [{ algorithm: 'RS256', key: privateKey, use: 'sign' }] } });
      const token = await service.sign('alice', { sessionId: SESSION_ID });
      await service.verify(token);
      const last = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
      const verdicts = await Promise.all(
        last.split(/(?:)/).map((character) => codeOf(() => service.verify(token.slice(0, -1) + character))),
      );
      expect(verdicts.filter((code) => code === 'none')).toHaveLength(1);
    });

    it.each(['__proto__', 'constructor', 'toString', ''])('VC-02 knows no token named %j', (name) => {
      expect(new VerifiedTokenCache(16).get(name)).toBeUndefined();
    });
  });

  it('VC-03 serves one verification profile only: a token that is warm for one audience is refused by another', async () => {
    const clock = new FakeClock();
    const [one, other] = ['web', 'admin'].map((audience) => accessTokens({ clock, options: { audience } }));
    const token = await one!.service.sign('alice', { sessionId: SESSION_ID });
    await one!.service.verify(token);
    expect(await codeOf(() => other!.service.verify(token))).toBe('token_invalid');
    expect(one!.service.recall(token)).toBeDefined();
  });

  describe('VC-04 looks at the clock on every hit', () => {
    it.each([
      ['serves a warm token 1 ms before exp + leeway', 905_000 - 1, 'none'],
      ['refuses a warm token at exp + leeway', 905_000, 'token_expired'],
      ['serves a warm token at iat − leeway, after the clock was put back', -5_000, 'none'],
      ['refuses a warm token 1 ms before iat − leeway', -5_001, 'token_not_yet_valid'],
    ])('VC-04 %s', async (_, shift, code) => {
      const { service, clock } = accessTokens({ options: { access: { jitter: 0 } } });
      const token = await service.sign('alice', { sessionId: SESSION_ID });
      await service.verify(token);
      clock.advance(shift);
      expect(await codeOf(() => service.verify(token))).toBe(code);
      expect(service.recall(token) !== undefined).toBe(code === 'none');
    });
  });

  describe('VC-05 ends the stay of an entry by the monotonic clock', () => {
    it.each([
      ['after 300 s at the latest', 900, 300_000],
      ['at exp, where that is sooner', 60, 60_000],
    ])('VC-05 forgets a token %s, whatever the wall clock says', async (_, lifetime, stay) => {
      const monotonic = monotonicClock();
      const { service } = accessTokens();
      const token = await service.sign('alice', { sessionId: SESSION_ID, lifetime });
      await service.verify(token);
      monotonic.now += stay - 1;
      expect(service.recall(token)).toBeDefined();
      monotonic.now += 1;
      expect(service.recall(token)).toBeUndefined();
    });

    it('VC-05 does not revive an entry when the wall clock jumps back', async () => {
      const monotonic = monotonicClock();
      const { service, clock } = accessTokens();
      const token = await service.sign('alice', { sessionId: SESSION_ID, lifetime: 60 });
      await service.verify(token);
      monotonic.now += 61_000;
      clock.advance(61_000);
      clock.advance(-61_000);
      expect(service.recall(token)).toBeUndefined();
    });

    it('VC-05 does not prolong the stay of an entry by hits', async () => {
      const monotonic = monotonicClock();
      const { service } = accessTokens();
      const token = await service.sign('alice', { sessionId: SESSION_ID });
      await service.verify(token);
      for (let hit = 0; hit < 299; hit++) {
        monotonic.now += 1_000;
        expect(service.recall(token)).toBeDefined();
      }
      monotonic.now += 1_000;
      expect(service.recall(token)).toBeUndefined();
    });
  });

  describe('VC-06 looks at revocations on every hit', () => {
    it('VC-06 refuses a warm token once its session is revoked on this node', async () => {
      const { service, revocations } = accessTokens();
      const token = await service.sign('alice', { sessionId: SESSION_ID });
      await service.verify(token);
      revocations.add([SESSION_ID]);
      expect(service.recall(token)).toBeUndefined();
      expect(await codeOf(() => service.verify(token))).toBe('token_revoked');
    });

    it('VC-06 refuses a warm token once another node has revoked its session and the poll has run', async () => {
      const clock = new FakeClock();
      const repository = new InMemoryTokenRepository(clock);
      const { service, revocations } = accessTokens({ clock, repository });
      const session = { id: SESSION_ID, realm: 'default', subject: 'alice', idleMs: 1e9, absoluteMs: 1e9, claims: {}, device: {} };
      await repository.insert(session);
      const token = await service.sign('alice', { sessionId: SESSION_ID });
      await service.verify(token);
      await repository.revoke({ realm: 'default', id: SESSION_ID }, 'admin');
      await revocations.poll();
      expect(await codeOf(() => service.verify(token))).toBe('token_revoked');
    });

    it("VC-06 serves another session's warm token all the same", async () => {
      const { service, revocations } = accessTokens();
      const token = await service.sign('alice', { sessionId: SESSION_ID });
      await service.verify(token);
      revocations.add([sessionId(1)]);
      expect(service.recall(token)).toBeDefined();
    });
  });

  describe('VC-07 stores nothing that was overtaken while it was verified', () => {
    it('VC-07 stores no token whose key was retired between signature and claims', async () => {
      const world = signer('a', new FakeClock());
      const { token } = await issuedBy('b', world);
      const key = await world.service.keyFor(token);
      world.service.retireKey('b');
      expect(await codeOf(() => world.service.accept(token, decoded(token).payload, key))).toBe('token_invalid');
      expect(world.cache?.size).toBe(0);
    });

    it('VC-07 stores no token whose session was revoked between signature and claims', async () => {
      const world = accessTokens();
      const token = await world.service.sign('alice', { sessionId: SESSION_ID });
      const key = await world.service.keyFor(token);
      world.revocations.add([SESSION_ID]);
      expect(await codeOf(() => world.service.accept(token, decoded(token).payload, key))).toBe('token_revoked');
      expect(world.cache?.size).toBe(0);
    });

    it('VC-07 serves no token whose session was revoked while the store was being asked', async () => {
      const clock = new FakeClock();
      const repository = new InMemoryTokenRepository(clock);
      await repository.insert({ id: SESSION_ID, realm: 'default', subject: 'alice', idleMs: 1e9, absoluteMs: 1e9, claims: {}, device: {} });
      const { service, revocations } = accessTokens({ clock, repository, options: { revocation: 'strict' } });
      const token = await service.sign('alice', { sessionId: SESSION_ID });
      const find = repository.find.bind(repository);
      jest.spyOn(repository, 'find').mockImplementationOnce(async (asked) => {
        const found = await find(asked);
        revocations.add([SESSION_ID]);
        return found;
      });
      await service.verify(token);
      expect(service.recall(token)).toBeUndefined();
      expect(await codeOf(() => service.verify(token))).toBe('token_revoked');
    });
  });

  describe('VC-08 knows the key of every entry', () => {
    it('VC-08 refuses a warm token at once when its key is retired', async () => {
      const world = signer('a', new FakeClock());
      const { token } = await issuedBy('b', world);
      await world.service.verify(token);
      world.service.retireKey('b');
      expect(world.service.recall(token)).toBeUndefined();
      expect(await codeOf(() => world.service.verify(token))).toBe('token_invalid');
    });

    it('VC-08 serves a warm token of a key that stays', async () => {
      const world = signer('a', new FakeClock());
      const { token } = await issuedBy('c', world);
      await world.service.verify(token);
      world.service.retireKey('b');
      expect(world.service.recall(token)).toBeDefined();
    });
  });

  describe('VC-09 holds successes only', () => {
    it('VC-09 accepts a token as soon as its nbf has come', async () => {
      const world = accessTokens({ options: { access: { leeway: 0 } } });
      const nbf = Math.floor(world.clock.now() / 1_000) + 1;
      const token = forged(world, await world.service.sign('alice', { sessionId: SESSION_ID }), { payload: { nbf } });
      expect(await codeOf(() => world.service.verify(token))).toBe('token_not_yet_valid');
      expect(world.cache?.size).toBe(0);
      world.clock.advance(1_000);
      expect(await codeOf(() => world.service.verify(token))).toBe('none');
    });

    it('VC-09 forgets that the store was away', async () => {
      const clock = new FakeClock();
      const repository = new InMemoryTokenRepository(clock);
      await repository.insert({ id: SESSION_ID, realm: 'default', subject: 'alice', idleMs: 1e9, absoluteMs: 1e9, claims: {}, device: {} });
      const { service } = accessTokens({ clock, repository, options: { revocation: 'strict' } });
      const token = await service.sign('alice', { sessionId: SESSION_ID });
      const away = jest.spyOn(repository, 'find').mockRejectedValueOnce(new Error('away'));
      expect(await codeOf(() => service.verify(token))).toBe('store_unavailable');
      expect(await codeOf(() => service.verify(token))).toBe('none');
      away.mockRejectedValueOnce(new Error('away again'));
      expect(await codeOf(() => service.verify(token))).toBe('store_unavailable');
    });

    it('VC-09 accepts the good token after a bad one that resembles it', async () => {
      const { service } = accessTokens();
      const token = await service.sign('alice', { sessionId: SESSION_ID });
      expect(await codeOf(() => service.verify(`${token.slice(0, -4)}AAAA`))).toBe('token_invalid');
      expect(await codeOf(() => service.verify(token))).toBe('none');
    });
  });

  describe('VC-10 is bounded', () => {
    const key = { kid: 'a', algorithm: 'HS256' as const, key: createSecretKey(Buffer.alloc(32, 'ab')) };
    const now = Date.UTC(2030, 0, 1);
    const entry = (sid: string) => ({
      key,
      claims: Object.freeze({ iss: 'i', sub: 's', aud: 'a', iat: now / 1_000, exp: now / 1_000 + 900, jti: 'j', sid }),
    });

    it('VC-10 keeps the tokens of others when one session mints 100,000', () => {
      const cache = new VerifiedTokenCache(10_000);
      const others = Array.from({ length: 4_000 }, (_, n) => `other-${n}`);
      for (const [n, token] of others.entries()) cache.set(token, entry(sessionId(n)), now);
      for (let n = 0; n < 100_000; n++) cache.set(`flood-${n}`, entry(SESSION_ID), now);
      expect(others.filter((token) => cache.get(token) === undefined)).toEqual([]);
      expect(cache.size).toBeLessThanOrEqual(4_000 + 8);
    });

    it.each([16, 17, 100, 999])('VC-10 never holds more than %i tokens', (max) => {
      const cache = new VerifiedTokenCache(max);
      let most = 0;
      for (let n = 0; n < 5 * max; n++) {
        cache.set(`token-${n}`, entry(sessionId(n)), now);
        cache.get(`token-${n - (n % 7)}`);
        most = Math.max(most, cache.size);
      }
      expect(most).toBeLessThanOrEqual(max);
      expect(most).toBeGreaterThan(max / 2);
    });

    it('VC-10 never holds more than 1 KiB a token on average', () => {
      const cache = new VerifiedTokenCache(100);
      const token = (n: number) => `${n}`.padEnd(8_192, 'x');
      for (let n = 0; n < 200; n++) cache.set(token(n), entry(sessionId(n)), now);
      expect(cache.size).toBeLessThanOrEqual((100 * 1_024) / 8_192);
      expect(cache.get(token(199))).toBeDefined();
    });

    it('VC-10 counts a token that is stored again once', () => {
      const cache = new VerifiedTokenCache(100);
      for (let n = 0; n < 20; n++) cache.set(`token-${n}`.padEnd(2_000, 'x'), entry(sessionId(n)), now);
      for (let n = 0; n < 10_000; n++) cache.set('again'.padEnd(2_000, 'x'), entry(SESSION_ID), now);
      expect(cache.size).toBe(21);
      expect(cache.get('token-0'.padEnd(2_000, 'x'))).toBeDefined();
    });

    it('VC-10 keeps both tokens of a session when one of them is stored again and again', () => {
      const cache = new VerifiedTokenCache(100);
      cache.set('first', entry(SESSION_ID), now);
      for (let n = 0; n < 20; n++) cache.set('second', entry(SESSION_ID), now);
      expect(cache.get('first')).toBeDefined();
    });

    it('VC-10 keeps the tokens that are used and drops those that are not', () => {
      const cache = new VerifiedTokenCache(100);
      cache.set('used', entry(SESSION_ID), now);
      cache.set('unused', entry(SESSION_ID), now);
      for (let n = 0; n < 1_000; n++) {
        cache.set(`token-${n}`, entry(sessionId(n)), now);
        cache.get('used');
      }
      expect([cache.get('used') !== undefined, cache.get('unused') !== undefined]).toEqual([true, false]);
    });

    it('VC-10 is not touched by tokens that are refused', async () => {
      const { service, cache } = accessTokens({ options: { access: { cache: { max: 16 } } } });
      const tokens = await Promise.all(Array.from({ length: 8 }, async (_, n) => service.sign('alice', { sessionId: sessionId(n) })));
      for (const token of tokens) await service.verify(token);
      const stranger = accessTokens({ options: { secret: `${SECRET}-of-a-stranger` } }).service;
      for (let n = 0; n < 1_000; n++) {
        const bad = await stranger.sign('mallory', { sessionId: sessionId(n) });
        expect(await codeOf(() => service.verify(bad))).toBe('token_invalid');
      }
      expect(cache?.size).toBe(8);
      expect(tokens.every((token) => service.recall(token))).toBe(true);
    });
  });

  it('VC-11 shares claims that nobody can change, nested ones included', async () => {
    const { service } = accessTokens();
    const claims = { roles: ['user'], org: { teams: [{ name: 'a' }] } };
    const token = await service.sign('alice', { sessionId: SESSION_ID, claims });
    const first = (await service.verify(token)) as unknown as typeof claims & { sub: string };
    expect(() => first.roles.push('admin')).toThrow(TypeError);
    expect(() => (first.org.teams[0]!.name = 'b')).toThrow(TypeError);
    expect(() => (first.sub = 'bob')).toThrow(TypeError);
    expect(await service.verify(token)).toMatchObject({ sub: 'alice', ...claims });
  });

  describe('in an application', () => {
    let running: TestApp | undefined;
    afterEach(() => running?.close());

    it('VC-12 runs loadUser and later guards on every request of a warm token', async () => {
      const asked = { users: 0, guards: 0, allowed: true };
      @Injectable()
      class Counting implements CanActivate {
        canActivate(_context: ExecutionContext): boolean {
          asked.guards++;
          return asked.allowed;
        }
      }
      @Controller()
      class Guarded {
        @Get('guarded')
        @UseGuards(JwtAuthGuard, Counting)
        guarded(@CurrentUser() user: Principal): Principal {
          return user;
        }
      }
      const loadUser = (subject: string) => ({ subject, asked: ++asked.users });
      running = await startApp({ controllers: [Guarded], options: { loadUser } });
      const pair = await running.app.get(RefreshService).signIn('alice');
      const answers = [
        await running.call('/guarded', { headers: bearing(pair) }),
        await running.call('/guarded', { headers: bearing(pair) }),
      ];
      expect(answers.map((answer) => answer.json<Principal>().user)).toEqual([
        { subject: 'alice', asked: 2 },
        { subject: 'alice', asked: 3 },
      ]);
      asked.allowed = false;
      expect((await running.call('/guarded', { headers: bearing(pair) })).status).toBe(403);
      expect(asked.guards).toBe(3);
    });

    it('VC-11 gives every request a principal of its own', async () => {
      @Controller()
      class Careless {
        @Get('careless')
        @UseGuards(JwtAuthGuard)
        careless(@CurrentUser() user: Principal): object {
          const { sub } = user;
          Object.assign(user, { sub: 'mallory' });
          return { sub };
        }
      }
      running = await startApp({ controllers: [Careless] });
      const pair = await running.app.get(RefreshService).signIn('alice');
      for (let request = 0; request < 3; request++) {
        expect((await running.call('/careless', { headers: bearing(pair) })).json()).toEqual({ sub: 'alice' });
      }
    });

    it('VC-13 shares no entry between module instances and forgets all when the application ends', async () => {
      const [one, other] = [await startApp(), await startApp()];
      const services = [one, other].map(({ app }) => app.get(AccessTokenService));
      const pair = await one.app.get(RefreshService).signIn('alice');
      await one.call('/me', { headers: bearing(pair) });
      expect(services.map((service) => service.recall(pair.accessToken)?.claims.sub)).toEqual(['alice', undefined]);
      await Promise.all([one.close(), other.close()]);
      expect(services[0]!.recall(pair.accessToken)).toBeUndefined();
    });

    it('VC-14 shows no token and no secret to inspect(), depth 9, in JSON or by name', async () => {
      running = await startApp({ controllers: [MeController] });
      const instance = running.app.get<TokenInstance>(tokenInstanceToken());
      const options = resolvedOptionsOf(running.app);
      const pair = await running.app.get(RefreshService).signIn('alice', { claims: { roles: ['admin'] } });
      for (let request = 0; request < 3; request++) await running.call('/me', { headers: bearing(pair) });
      const keys = [options.access.ring.signing.signingKey, options.refresh.ring.signing.key];
      const secrets = [pair.accessToken, pair.refreshToken!, SECRET, ...keys.map(bytesOf)];
      const shown = [running.app, instance, running.app.get(RefreshService)].map((part) =>
        inspect(part, { depth: 9, maxStringLength: null }),
      );
      expect(shown[1]).toContain('VerifiedTokenCache');
      for (const text of shown) expect(findLeaks(text, secrets)).toEqual([]);
      expect(findLeaks(JSON.stringify(options), secrets)).toEqual([]);
    });
  });

  it('VC-15 does not keep the header line that a token was cut from', () => {
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    const cache = new VerifiedTokenCache(10_000);
    const key = { kid: 'a', algorithm: 'HS256' as const, key: createSecretKey(Buffer.alloc(32, 'ab')) };
    const claims = { iss: 'i', sub: 's', aud: 'a', iat: 1_893_456_000, exp: 1_893_456_900, jti: 'j' };
    gc();
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < 5_000; n++) {
      const line = `${'x'.repeat(8_000)}-${Math.random()} ${n}`.split('').join('');
      cache.set(line.slice(7_900), { key, claims: { ...claims, sid: sessionId(n) } }, 1_893_456_000_000);
    }
    gc();
    expect(cache.size).toBe(5_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
  });

  describe.each([
    ['off', false as const],
    ['of 16 tokens', { max: 16 }],
    ['of 10,000 tokens', { max: 10_000 }],
  ])('VC-16 with a cache %s', (name, cache) => {
    const composed = (options: object = {}) => accessTokens({ options: { access: { jitter: 0, cache }, ...options } });

    it(`VC-16 accepts 40 sessions' tokens three times over (cache ${name})`, async () => {
      const { service } = composed();
      const tokens = await Promise.all(Array.from({ length: 40 }, async (_, n) => service.sign(`user-${n}`, { sessionId: sessionId(n) })));
      for (let round = 0; round < 3; round++) {
        const subjects = await Promise.all(tokens.map(async (token) => (await service.verify(token)).sub));
        expect(subjects).toEqual(tokens.map((_, n) => `user-${n}`));
      }
    });

    it(`VC-16 tells expired, early, revoked, foreign and mutilated tokens apart, cold and warm (cache ${name})`, async () => {
      const world = composed();
      const { service, clock, revocations } = world;
      const good = await service.sign('alice', { sessionId: SESSION_ID });
      const revoked = await service.sign('bob', { sessionId: sessionId(2) });
      const foreign = forged(world, good, { payload: { aud: 'elsewhere' } });
      const refresh = forged(world, good, { header: { typ: 'JWT' } });
      for (const token of [good, revoked]) await service.verify(token);
      revocations.add([sessionId(2)]);
      const tokens = [good, revoked, foreign, refresh, `${good}=`, 'x'.repeat(9_000)];
      const verdicts = async () => Promise.all(tokens.map((token) => codeOf(() => service.verify(token))));
      const refusals = ['token_invalid', 'token_type_mismatch', 'token_malformed', 'token_too_large'];
      expect(await verdicts()).toEqual(['none', 'token_revoked', ...refusals]);
      clock.advance('1h');
      expect(await verdicts()).toEqual(['token_expired', 'token_expired', ...refusals]);
      clock.advance(-2 * 3_600_000);
      expect(await verdicts()).toEqual(['token_not_yet_valid', 'token_not_yet_valid', ...refusals]);
    });

    it(`VC-16 asks the store about every request in strict mode (cache ${name})`, async () => {
      const clock = new FakeClock();
      const repository = new InMemoryTokenRepository(clock);
      await repository.insert({ id: SESSION_ID, realm: 'default', subject: 'alice', idleMs: 1e9, absoluteMs: 1e9, claims: {}, device: {} });
      const { service } = accessTokens({ clock, repository, options: { access: { cache }, revocation: 'strict' } });
      const find = jest.spyOn(repository, 'find');
      const token = await service.sign('alice', { sessionId: SESSION_ID });
      for (let request = 0; request < 3; request++) await service.verify(token);
      expect(find).toHaveBeenCalledTimes(3);
      await repository.revoke({ realm: 'default', id: SESSION_ID }, 'admin');
      expect(await codeOf(() => service.verify(token))).toBe('token_revoked');
    });
  });

  it('VC-17 is not filled by signing: claims that are changed afterwards change nothing', async () => {
    const { service, cache } = accessTokens();
    const claims = { roles: ['user'] };
    const token = await service.sign('alice', { sessionId: SESSION_ID, claims });
    expect(cache?.size).toBe(0);
    claims.roles.push('admin');
    expect(await service.verify(token)).toMatchObject({ roles: ['user'] });
  });

  it.each([
    [{ max: 15 }],
    [{ max: 1_000_001 }],
    [{ max: -1 }],
    [{ max: 0 }],
    [{ max: NaN }],
    [{ max: Infinity }],
    [{ max: 16.5 }],
    [{ max: '100' as unknown as number }],
    [{ max: null as unknown as number }],
  ])('VC-18 is refused with the size %p', (cache) => {
    expect(() => accessTokens({ options: { access: { cache } } })).toThrow(expect.objectContaining({ option: 'access.cache.max' }));
  });
});

async function issuedBy(kid: string, { clock }: AccessTokens): Promise<{ token: string }> {
  return { token: await signer(kid, clock).service.sign('alice', { sessionId: SESSION_ID }) };
}

function bytesOf(key: unknown): Buffer {
  return Buffer.isBuffer(key) ? key : (key as ReturnType<typeof createSecretKey>).export();
}
