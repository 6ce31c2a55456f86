import { Logger } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import jwt from 'jsonwebtoken';
import type { AccessTokenService, TokenAlgorithm, TokenKey } from 'nestjs-token';
import { ecKey } from '../support/forge.js';
import type { KeyObject } from 'node:crypto';
import { createSecretKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { ownClaims } from '../support/lib.js';
import { runs } from '../support/runs.js';
import { FakeClock } from 'nestjs-token/testing';
import { accessTokens, codeOf, decoded, forged, SESSION_ID, sessionId } from '../support/access-tokens.js';
import { ISSUER, SECRET } from '../support/app.js';
import { CapturedLog } from '../support/captured-log.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const CURVES = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' } as const;

function keyPairFor(algorithm: TokenAlgorithm): Pick<TokenKey, 'key'>[] {
  if (algorithm.startsWith('HS')) {
    const key = createSecretKey(randomBytes(Number(algorithm.slice(2)) / 8));
    return [{ key }, { key }];
  }
  if (algorithm === 'EdDSA') return pairOf(generateKeyPairSync('ed25519'));
  const pair = algorithm in CURVES ? generateKeyPairSync('ec', { namedCurve: CURVES[algorithm as keyof typeof CURVES] }) : rsa;
  return pairOf(pair);
}

function pairOf({ privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }): Pick<TokenKey, 'key'>[] {
  return [{ key: privateKey }, { key: publicKey }];
}

/** Those that jsonwebtoken knows. */
const COMMON = ['HS', 'RS', 'PS', 'ES'].flatMap((family) => [256, 384, 512].map((bits) => `${family}${bits}` as TokenAlgorithm));
const ALGORITHMS: readonly TokenAlgorithm[] = [...COMMON, 'EdDSA'];
const sign = { sessionId: SESSION_ID };

describe('AccessTokenService', () => {
  describe.each(ALGORITHMS)('with %s', (algorithm) => {
    const [privateKey, publicKey] = keyPairFor(algorithm);
    const signing: TokenKey = { kid: 'now', algorithm, use: 'sign', ...privateKey! };

    it(`verifies the ${algorithm} token that it has signed, cold and warm`, async () => {
      const { service, clock } = accessTokens({ options: { keys: [signing], access: { jitter: 0 } } });
      const token = await service.sign('alice', { ...sign, claims: { roles: ['admin'] }, authTime: clock.now() });
      const iat = clock.now() / 1_000;
      const claims = { iss: ISSUER, aud: ISSUER, sub: 'alice', sid: SESSION_ID, iat, exp: iat + 900, auth_time: iat, roles: ['admin'] };
      expect(decoded(token).header).toEqual({ alg: algorithm, typ: 'at+jwt', kid: 'now' });
      expect(await service.verify(token)).toEqual({ ...claims, jti: expect.stringMatching(/^[0-9a-f-]{36}$/) });
      expect(await service.verify(token)).toEqual(service.recall(token)?.claims);
    });

    it(`signs ${algorithm} tokens that ${COMMON.includes(algorithm) ? 'jsonwebtoken' : 'node:crypto'} alone verifies`, async () => {
      const { service, clock, ring } = accessTokens({ options: { keys: [signing] } });
      if (algorithm === 'EdDSA') {
        const [input, signature] = (await service.sign('alice', sign)).split(/\.(?=[^.]*$)/) as [string, string];
        expect(verify(null, Buffer.from(input), ring.signing.key, Buffer.from(signature, 'base64url'))).toBe(true);
        return;
      }
      const verified = jwt.verify(await service.sign('alice', sign), ring.signing.key, {
        algorithms: [algorithm],
        issuer: ISSUER,
        audience: ISSUER,
        clockTimestamp: clock.now() / 1_000,
      });
      expect(verified).toMatchObject({ sub: 'alice' });
    });

    it(`refuses a ${algorithm} token whose signature is another key's`, async () => {
      const { service } = accessTokens({ options: { keys: [signing] } });
      const [stranger] = /^(HS|ES|Ed)/.test(algorithm) ? keyPairFor(algorithm) : [OTHER_RSA];
      const other = accessTokens({ options: { keys: [{ ...signing, ...stranger! }] } });
      expect(await codeOf(async () => service.verify(await other.service.sign('alice', sign)))).toBe('token_invalid');
    });

    it(`refuses a changed payload under a ${algorithm} signature`, async () => {
      const { service } = accessTokens({ options: { keys: [signing] } });
      const [header, , signature] = (await service.sign('alice', sign)).split('.');
      const payload = (await service.sign('mallory', sign)).split('.')[1];
      expect(await codeOf(() => service.verify(`${header}.${payload}.${signature}`))).toBe('token_invalid');
    });

    it(`verifies with the ${algorithm} key that signed before`, async () => {
      const clock = new FakeClock();
      const before = accessTokens({ clock, options: { keys: [signing] } });
      const isSecret = algorithm.startsWith('HS');
      const next: TokenKey = { kid: 'next', algorithm: isSecret ? 'HS256' : 'ES256', key: isSecret ? SECRET : ecKey(), use: 'sign' };
      const { service } = accessTokens({ clock, options: { keys: [next, { ...signing, ...publicKey!, use: 'verify' }] } });
      expect(await codeOf(async () => service.verify(await before.service.sign('alice', sign)))).toBe('none');
    });
  });

  describe('rotates keys (KY-05)', () => {
    const old: TokenKey = { kid: 'old', algorithm: 'HS256', key: `old-${SECRET}`, use: 'sign' };
    const fresh: TokenKey = { kid: 'new', algorithm: 'HS256', key: `new-${SECRET}`, use: 'verify' };
    const swapped: TokenKey[] = [
      { ...fresh, use: 'sign' },
      { ...old, use: 'verify' },
    ];

    it('KY-05 signs with the new key and verifies with the old one', async () => {
      const clock = new FakeClock();
      const [before, after] = [[old, fresh], swapped].map((keys) => accessTokens({ clock, options: { keys } }).service);
      const tokens = [await before!.sign('alice', sign), await after!.sign('alice', sign)];
      expect(tokens.map((token) => decoded(token).header['kid'])).toEqual(['old', 'new']);
      for (const service of [before!, after!]) {
        for (const token of tokens) expect(await codeOf(() => service.verify(token))).toBe('none');
      }
    });

    it('KY-05 refuses tokens of a retired key at once, warm ones too, and says that the key is unknown', async () => {
      const clock = new FakeClock();
      const before = accessTokens({ clock, options: { keys: [old] } }).service;
      const { service } = accessTokens({ clock, options: { keys: swapped } });
      const tokens = [await before.sign('alice', sign), await before.sign('bob', sign)];
      await service.verify(tokens[0]!);
      service.retireKey('old');
      for (const token of tokens) {
        await expect(service.verify(token)).rejects.toMatchObject({ errorCode: 'token_invalid', unknownKey: true });
      }
      expect(await codeOf(async () => service.verify(await service.sign('alice', sign)))).toBe('none');
    });

    it('KY-05 does not retire the signing key', () => {
      const { service } = accessTokens({ options: { keys: swapped } });
      expect(() => service.retireKey('new')).toThrow(RangeError);
    });

    it('KY-04 does not try other keys for a token that names the wrong one', async () => {
      const world = accessTokens({ options: { keys: swapped } });
      const token = forged(world, await world.service.sign('alice', sign), { header: { kid: 'old' } });
      await expect(world.service.verify(token)).rejects.toMatchObject({ errorCode: 'token_invalid', unknownKey: false });
    });
  });

  describe('shortens lifetimes at random', () => {
    const spread = async (jitter: number) => {
      const { service } = accessTokens({ options: { access: { jitter } } });
      const lifetime = async () => {
        const { iat, exp } = decoded(await service.sign('alice', sign)).payload as { iat: number; exp: number };
        return exp - iat;
      };
      return Promise.all(Array.from({ length: 2_000 }, lifetime));
    };

    it('never lengthens a token, nor shortens it by more than the jitter', async () => {
      const lifetimes = await spread(0.1);
      expect(Math.max(...lifetimes)).toBeLessThanOrEqual(900);
      expect(Math.min(...lifetimes)).toBeGreaterThanOrEqual(810);
    });

    it('uses the whole range of the jitter', async () => {
      const lifetimes = await spread(0.5);
      expect(Math.min(...lifetimes)).toBeLessThan(470);
      expect(Math.max(...lifetimes)).toBeGreaterThan(880);
      expect(new Set(lifetimes).size).toBeGreaterThan(300);
    });

    it('gives every token the whole lifetime without jitter', async () => {
      expect(new Set(await spread(0))).toEqual(new Set([900]));
    });

    it('lets no token live for less than a second', async () => {
      const { service, clock } = accessTokens({ options: { access: { lifetime: 1, jitter: 0.5 } } });
      clock.advance(999);
      const { iat, exp } = decoded(await service.sign('alice', sign)).payload as { iat: number; exp: number };
      expect(exp - iat).toBe(1);
    });
  });

  describe('on a node that was frozen', () => {
    afterEach(() => void jest.restoreAllMocks());

    /** A node that knows a token, and stood still while its session was revoked elsewhere. */
    async function frozen() {
      const node = accessTokens();
      const { service, repository, revocations } = node;
      const session = { id: SESSION_ID, realm: 'default', subject: 'alice', idleMs: 1e9, absoluteMs: 1e9, claims: {}, device: {} };
      await repository.insert(session);
      const token = await service.sign('alice', sign);
      await service.verify(token);
      await revocations.start();
      await repository.revoke(session, 'admin');
      const instant = performance.now();
      jest.spyOn(performance, 'now').mockReturnValue(instant + 60_000);
      return { ...node, token };
    }

    it('recalls no token before it knows what was revoked meanwhile (F-18)', async () => {
      const { service, revocations, token } = await frozen();
      expect(service.recall(token)).toBeUndefined();
      revocations.stop();
    });

    it('refuses the token of a session that was revoked meanwhile, the first time (F-18)', async () => {
      const { service, revocations, token } = await frozen();
      expect(await codeOf(() => service.verify(token))).toBe('token_revoked');
      revocations.stop();
    });

    it('recalls the tokens of other sessions again once it has read what was revoked (F-18)', async () => {
      const { service, revocations } = await frozen();
      const other = await service.sign('bob', { sessionId: sessionId(7) });
      expect(await codeOf(() => service.verify(other))).toBe('none');
      expect(service.recall(other)?.claims.sub).toBe('bob');
      revocations.stop();
    });
  });

  describe('JV-07 judges times with one leeway for exp, nbf and iat', () => {
    const T = 5_000;
    const whole = accessTokens({ options: { access: { jitter: 0, cache: false } } });
    const start = whole.clock.now();
    const at = async (instant: number, payload: object) => {
      const token = forged(whole, await whole.service.sign('alice', sign), { payload });
      whole.clock.set(instant);
      const code = await codeOf(() => whole.service.verify(token));
      whole.clock.set(start);
      return code;
    };

    it.each([
      ['exp is exclusive: accepts 1 ms before exp + leeway', 900_000 + T - 1, {}, 'none'],
      ['exp is exclusive: refuses at exp + leeway', 900_000 + T, {}, 'token_expired'],
      ['nbf is inclusive: accepts at nbf − leeway', 60_000 - T, { nbf: start / 1_000 + 60 }, 'none'],
      ['nbf is inclusive: refuses 1 ms before nbf − leeway', 60_000 - T - 1, { nbf: start / 1_000 + 60 }, 'token_not_yet_valid'],
      ['iat is inclusive: accepts at iat − leeway', -T, {}, 'none'],
      ['iat is inclusive: refuses 1 ms before iat − leeway', -T - 1, {}, 'token_not_yet_valid'],
      ['exp may have a fraction: accepts before it', 600_500 + T - 1, { exp: start / 1_000 + 600.5 }, 'none'],
      ['exp may have a fraction: refuses at it', 600_500 + T, { exp: start / 1_000 + 600.5 }, 'token_expired'],
    ])('%s', async (_, shift, payload, code) => {
      expect(await at(start + shift, payload)).toBe(code);
    });

    it.each([
      ['accepts a lifetime of access.maxLifetime', 900, 'none'],
      ['refuses a lifetime of a second more', 901, 'token_invalid'],
      ['refuses exp = iat', 0, 'token_invalid'],
      ['refuses exp in milliseconds', 1_893_456_000_000, 'token_invalid'],
    ])('%s', async (_, lifetime, code) => {
      expect(await at(start, { exp: start / 1_000 + lifetime })).toBe(code);
    });

    it.each([0, 300])('holds its boundaries with a leeway of %i s', async (leeway) => {
      const { service, clock } = accessTokens({ options: { access: { jitter: 0, leeway } } });
      const token = await service.sign('alice', sign);
      clock.advance(900_000 + leeway * 1_000 - 1);
      expect(await codeOf(() => service.verify(token))).toBe('none');
      clock.advance(1);
      expect(await codeOf(() => service.verify(token))).toBe('token_expired');
    });

    it('names the session of an expired token', async () => {
      const { service, clock } = accessTokens();
      const token = await service.sign('alice', sign);
      clock.advance('1h');
      await expect(service.verify(token)).rejects.toMatchObject({ errorCode: 'token_expired', sessionId: SESSION_ID });
    });
  });

  describe('takes a lifetime for one token', () => {
    const { service } = accessTokens({ options: { access: { maxLifetime: '1h' } } });
    const lifetimeOf = async (lifetime: NonNullable<Parameters<typeof service.sign>[1]>['lifetime']) => {
      const { iat, exp } = decoded(await service.sign('alice', { ...sign, lifetime: lifetime! })).payload as { iat: number; exp: number };
      return exp - iat;
    };

    it.each([
      [1, 1],
      ['90s', 90],
      ['1h', 3_600],
      ['2000ms', 2],
    ] as const)('signs for %p without jitter', async (lifetime, seconds) => {
      expect(await lifetimeOf(lifetime)).toBe(seconds);
      expect(await codeOf(async () => service.verify(await service.sign('alice', { ...sign, lifetime })))).toBe('none');
    });

    it.each([0, -1, 1.5, NaN, Infinity, 3_601, '61m', '1500ms', '500ms', '900', '', null, {}])('refuses %p', async (lifetime) => {
      await expect(lifetimeOf(lifetime as never)).rejects.toThrow(TypeError);
    });
  });

  describe('tells when the user signed in', () => {
    it('leaves auth_time out unless it is given (F-17)', async () => {
      const { service } = accessTokens();
      const claims = await service.verify(await service.sign('alice', sign));
      expect('auth_time' in claims).toBe(false);
    });

    it('writes the authTime that it is given, in seconds (F-17)', async () => {
      const { service, clock } = accessTokens();
      const authTime = clock.now() - 3_600_999;
      expect((await service.verify(await service.sign('alice', { ...sign, authTime }))).auth_time).toBe(Math.floor(authTime / 1_000));
    });

    it.each([0, -1, 1.5, NaN, Infinity, null, '1790000000000', new Date(0), {}])('refuses the authTime %p (F-17)', async (authTime) => {
      await expect(accessTokens().service.sign('alice', { ...sign, authTime: authTime as never })).rejects.toThrow(/^authTime: /);
    });

    it('refuses an authTime in seconds, or one that is to come by more than clocks differ (F-17)', async () => {
      const { service, clock } = accessTokens();
      const attempt = (authTime: number) => service.sign('alice', { ...sign, authTime });
      await expect(attempt(Math.floor(clock.now() / 1_000))).rejects.toThrow(TypeError);
      await expect(attempt(clock.now() + 300_001)).rejects.toThrow(TypeError);
      await expect(attempt(clock.now() + 300_000)).resolves.toEqual(expect.any(String));
    });
  });

  describe('keeps its own claims from the application', () => {
    it.each(Object.getOwnPropertyNames(Object.prototype))('refuses the claim %s, a name that every object has (F-19)', async (name) => {
      const claims = JSON.parse(`{"${name}":1}`) as object;
      await expect(accessTokens().service.sign('alice', { ...sign, claims })).rejects.toThrow(
        new TypeError(`claims: '${name}' is reserved`),
      );
    });

    it.each(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid', 'auth_time', 'user', '__proto__'])(
      'refuses the claim %s',
      async (name) => {
        const claims = JSON.parse(`{"${name}":1}`) as object;
        await expect(accessTokens().service.sign('alice', { ...sign, claims })).rejects.toThrow(
          new TypeError(`claims: '${name}' is reserved`),
        );
      },
    );

    it('refuses a reserved claim that toJSON() brings in', async () => {
      const claims = { toJSON: () => ({ nbf: 1 }) };
      await expect(accessTokens().service.sign('alice', { ...sign, claims })).rejects.toThrow(TypeError);
    });

    it.each([[['admin']], [() => 1], [null], ['text'], [new Date(0)]])(
      'refuses claims that are no JSON object (case %#)',
      async (claims) => {
        await expect(accessTokens().service.sign('alice', { ...sign, claims: claims as object })).rejects.toThrow(TypeError);
      },
    );

    it('refuses claims that are no JSON at all', async () => {
      const claims: Record<string, unknown> = { big: 1n };
      await expect(accessTokens().service.sign('alice', { ...sign, claims })).rejects.toThrow(TypeError);
    });

    it('passes on a nested member named like a reserved one', async () => {
      const { service } = accessTokens();
      const claims = await service.verify(await service.sign('alice', { ...sign, claims: { act: { sub: 'bob', exp: 1 } } }));
      expect(claims).toMatchObject({ sub: 'alice', act: { sub: 'bob', exp: 1 } });
    });

    it('lets no __proto__ claim reach a principal', async () => {
      const world = accessTokens();
      const token = await world.service.sign('alice', { ...sign, claims: { deep: JSON.parse('{"__proto__":{"admin":true}}') as object } });
      const claims = (await world.service.verify(token)) as unknown as { deep: { admin?: boolean } };
      expect(Object.hasOwn(claims.deep, '__proto__')).toBe(false);
      expect(claims.deep.admin).toBeUndefined();
    });
  });

  describe('keeps tokens below the size that it refuses', () => {
    const claimsOf = (bytes: number, filler = 'x') => {
      const count = Math.floor((bytes - '{"c":""}'.length) / Buffer.byteLength(filler));
      return { c: filler.repeat(count) + 'x'.repeat(bytes - '{"c":""}'.length - count * Buffer.byteLength(filler)) };
    };

    it.each(['x', 'é', '漢', '😀'])(
      'verifies a token with 4096 bytes of claims made of %s, the longest subject and the longest signature',
      async (filler) => {
        const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4_096 });
        const { service } = accessTokens({ options: { keys: [{ algorithm: 'PS512', key: privateKey, use: 'sign' }] } });
        const token = await service.sign('漢'.repeat(255), { ...sign, claims: claimsOf(4_096, filler) });
        expect(token.length).toBeLessThanOrEqual(8_192);
        expect(await codeOf(() => service.verify(token))).toBe('none');
      },
    );

    it.each(['x', 'é', '漢', '😀'])('refuses 4097 bytes of claims made of %s', async (filler) => {
      await expect(accessTokens().service.sign('alice', { ...sign, claims: claimsOf(4_097, filler) })).rejects.toThrow(
        /claims: longer than 4096 bytes/,
      );
    });

    it('refuses a token of 8193 characters without looking at it', async () => {
      const { service } = accessTokens();
      expect(await codeOf(() => service.verify('x'.repeat(8_193)))).toBe('token_too_large');
      expect(await codeOf(() => service.verify('x'.repeat(8_192)))).toBe('token_malformed');
    });
  });

  describe('wants its own type of token (RFC 9068 §4)', () => {
    it.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/AT+JWT'])('accepts typ %s', async (typ) => {
      const world = accessTokens();
      expect(
        await codeOf(async () => world.service.verify(forged(world, await world.service.sign('alice', sign), { header: { typ } }))),
      ).toBe('none');
    });

    it.each(['JWT', 'at+jwt ', ' at+jwt', 'at jwt', 'atjwt', 'rt+jwt', 'text/at+jwt', '', undefined])('refuses typ %p', async (typ) => {
      const world = accessTokens();
      const token = forged(world, await world.service.sign('alice', sign), { header: { typ } });
      expect(await codeOf(() => world.service.verify(token))).toBe('token_type_mismatch');
    });
  });

  describe('takes only subjects and sessions that it would accept', () => {
    it.each(['', ' alice', 'alice ', 'a\nb', 'a\0b', 'a\u2028b', '\ud800', 'x'.repeat(256), 5, null, undefined, {}])(
      'refuses the subject %p',
      async (subject) => {
        await expect(accessTokens().service.sign(subject as string, sign)).rejects.toThrow(TypeError);
      },
    );

    it.each(['', 'session-1', SESSION_ID.toUpperCase(), `${SESSION_ID} `, undefined, 5])('refuses the session id %p', async (id) => {
      await expect(accessTokens().service.sign('alice', { sessionId: id as string })).rejects.toThrow(TypeError);
    });

    it('verifies every token that it signs', async () => {
      const { service } = accessTokens();
      await fc.assert(
        fc.asyncProperty(
          fc.string({ unit: 'binary', maxLength: 300 }),
          fc.dictionary(fc.string(), fc.jsonValue()),
          async (subject, claims) => {
            let token: string;
            try {
              token = await service.sign(subject, { ...sign, claims });
            } catch (error) {
              expect(error).toBeInstanceOf(TypeError);
              return;
            }
            expect((await service.verify(token)).sub).toBe(subject);
          },
        ),
        { numRuns: runs(2_000) },
      );
    });
  });

  describe('warns of tokens that a proxy may refuse', () => {
    const log = new CapturedLog();
    beforeEach(() => {
      log.lines.length = 0;
      Logger.overrideLogger(log);
    });
    afterEach(() => Logger.overrideLogger(['log', 'error', 'warn', 'debug', 'verbose', 'fatal']));
    const tokenOfAbout = async (service: AccessTokenService, claimBytes: number): Promise<string> =>
      service.sign('alice', { ...sign, claims: { secretive: 'x'.repeat(claimBytes) } });

    it('once per instance, without anything of the token (F-51)', async () => {
      const { service } = accessTokens();
      const tokens = await Promise.all([2_400, 2_401, 2_402].map((bytes) => tokenOfAbout(service, bytes)));
      expect(log.lines).toEqual([
        expect.stringMatching(/^warn an access token is longer than 3,000 characters \(\d{4}\).+proxy_buffer_size.+TokenModule$/),
      ]);
      for (const part of [...tokens.flatMap((token) => token.split('.')), 'alice', 'secretive', 'xxx'])
        expect(log.lines[0]).not.toContain(part);
    });

    it('and not of a token of 3,000 characters or less (F-51)', async () => {
      const { service: scout } = accessTokens();
      let bytes = 1_700;
      while ((await tokenOfAbout(scout, bytes + 1)).length <= 3_000) bytes += 1;
      log.lines.length = 0;
      const { service } = accessTokens();
      await tokenOfAbout(service, bytes);
      expect(log.lines).toEqual([]);
      await tokenOfAbout(service, bytes + 1);
      expect(log.lines).toHaveLength(1);
    });
  });

  it('gives every token an id of its own', () => {
    const { service } = accessTokens();
    const ids = Array.from({ length: 100 }, async () => decoded(await service.sign('alice', sign)).payload['jti']);
    expect(new Set(ids).size).toBe(100);
  });

  it('writes one audience as text and several as a list, and wants one of them', async () => {
    const clock = new FakeClock();
    const both = accessTokens({ clock, options: { audience: ['web', 'api'] } });
    const [web, elsewhere] = ['web', 'elsewhere'].map((audience) => accessTokens({ clock, options: { audience } }));
    const token = await both.service.sign('alice', sign);
    expect(decoded(token).payload['aud']).toEqual(['web', 'api']);
    expect(decoded(await web!.service.sign('alice', sign)).payload['aud']).toBe('web');
    expect(await codeOf(() => web!.service.verify(token))).toBe('none');
    expect(await codeOf(() => elsewhere!.service.verify(token))).toBe('token_invalid');
  });

  it.each([undefined, null, 5, {}, ['a.b.c']])('answers token_malformed to %p instead of a token', async (token) => {
    expect(await codeOf(() => accessTokens().service.verify(token as string))).toBe('token_malformed');
  });

  it('says nothing of why a signature is wrong', async () => {
    const { service } = accessTokens();
    const stranger = accessTokens({ options: { secret: `stranger-${SECRET}` } });
    const token = jwt.sign({ sub: 'mallory' }, `stranger-${SECRET}`, {
      header: { alg: 'HS256', typ: 'at+jwt', kid: decoded(await service.sign('a', sign)).header['kid'] as string },
    });
    for (const bad of [token, await stranger.service.sign('alice', sign)]) {
      await expect(service.verify(bad)).rejects.toMatchObject({
        errorCode: 'token_invalid',
        message: 'access token is invalid',
        cause: undefined,
      });
    }
  });
});

describe('ownClaims', () => {
  it('gives a copy that has been through JSON', () => {
    const given = { roles: ['a'], skipped: undefined, at: new Date(0) };
    const claims = ownClaims(given);
    given.roles.push('b');
    expect(claims).toEqual({ roles: ['a'], at: '1970-01-01T00:00:00.000Z' });
  });
});

const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const OTHER_RSA = { key: otherRsa.privateKey };
