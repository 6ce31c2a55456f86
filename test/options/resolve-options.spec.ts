import { describe, expect, it } from '@jest/globals';
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { inspect } from 'node:util';
import type { ResolvedTokenOptions } from '../support/lib.js';
import { resolveTokenOptions } from '../support/lib.js';
import { ISSUER, SECRET } from '../support/app.js';
import { findLeaks } from '../support/leaks.js';
import { DROP, optionsWith, REFUSED_OPTIONS, SECRETS_IN_CASES } from '../support/option-cases.js';
import { refusalOf } from '../support/option-refusal.js';

const resolve = (change: Record<string, unknown> = {}, realm = 'default'): ResolvedTokenOptions =>
  resolveTokenOptions(optionsWith(change), realm);
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const { privateKey } = rsa;

describe('resolveTokenOptions', () => {
  it.each(REFUSED_OPTIONS)('CF-01/02/03 refuses %s, names the option and the remedy, and quotes no secret', (_, change, option, remedy) => {
    const error = refusalOf(() => resolve(change));
    expect(error.option).toBe(option);
    expect(error.message.startsWith(`${option}: `)).toBe(true);
    expect(error.message).toMatch(remedy);
    expect(findLeaks(inspect(error, { depth: 9 }), SECRETS_IN_CASES)).toEqual([]);
  });

  describe('reads units', () => {
    it.each([
      [900, 900_000],
      ['900s', 900_000],
      ['15m', 900_000],
      ['900000ms', 900_000],
      ['1h', 3_600_000],
      [1, 1_000],
      [86_400, 86_400_000],
      ['1d', 86_400_000],
    ])('CF-02 takes an access lifetime of %p for %i ms', (lifetime, milliseconds) => {
      expect(resolve({ access: { lifetime } }).access).toMatchObject({ lifetimeMs: milliseconds, maxLifetimeMs: milliseconds });
    });

    it('CF-02 takes both ends of every range', () => {
      const least = resolve({
        access: { jitter: 0, leeway: 0, cache: { max: 16 } },
        refresh: { grace: '1ms', limit: { max: 1, per: 1 } },
        janitor: { interval: 1 },
      });
      expect(least).toMatchObject({
        access: { jitter: 0, leewayMs: 0, cacheMax: 16 },
        refresh: { rules: { graceMs: 1, limit: { max: 1, perMs: 1_000 } } },
        janitorMs: 1_000,
      });
      const most = resolve({
        access: { lifetime: '1d', jitter: 0.5, leeway: '5m', cache: { max: 1_000_000 } },
        refresh: { grace: '5m', idleLifetime: '3650d', absoluteLifetime: '3650d', limit: { max: 1_000_000, per: '30d' } },
        janitor: { interval: '1d' },
      });
      expect(most).toMatchObject({
        access: { jitter: 0.5, leewayMs: 300_000 },
        refresh: { rules: { graceMs: 300_000 }, idleMs: 3_650 * 86_400_000 },
      });
    });

    it('CF-02 takes idle = twice access and grace = a quarter of access', () => {
      const { refresh } = resolve({ refresh: { idleLifetime: '30m', absoluteLifetime: '30m', grace: 225 } });
      expect(refresh).toMatchObject({ idleMs: 1_800_000, absoluteMs: 1_800_000, rules: { graceMs: 225_000 } });
    });
  });

  describe('has safe defaults (CF-09)', () => {
    it('CF-09 resolves issuer and secret alone to these', () => {
      const { access, refresh, transport, hooks, hookTimeoutMs, revocation, janitorMs, warnings } = resolve();
      const { header } = transport;
      const { ring, signer, supply, ...plain } = access;
      expect([signer, supply]).toEqual([null, null]);
      expect({ ...plain, algorithms: ring.all.map(({ algorithm }) => algorithm) }).toEqual({
        issuer: ISSUER,
        audience: [ISSUER],
        lifetimeMs: 900_000,
        maxLifetimeMs: 900_000,
        jitter: 0.1,
        leewayMs: 5_000,
        cacheMax: 10_000,
        algorithms: ['HS256'],
      });
      expect(refresh).toMatchObject({
        idleMs: 14 * 86_400_000,
        absoluteMs: 90 * 86_400_000,
        rules: { graceMs: 30_000, reuse: 'tolerant', recoverLost: 'always', limit: { max: 60, perMs: 3_600_000 } },
      });
      expect(header).toEqual({
        access: 'Authorization',
        refresh: 'X-Refresh-Token',
        expiresIn: 'X-Access-Token-Expires-In',
        scheme: 'Bearer',
      });
      expect({ hooks, hookTimeoutMs, revocation, janitorMs, warnings }).toEqual({
        hooks: { cacheUserMs: null },
        hookTimeoutMs: 5_000,
        revocation: 'poll',
        janitorMs: 600_000,
        warnings: [],
      });
    });

    it.each([
      ['15m', 30_000, 60],
      ['4m', 30_000, 60],
      ['2m', 15_000, 120],
      [60, 7_500, 240],
      [1, 125, 14_400],
      ['24h', 30_000, 60],
    ])('CF-09 fits grace and limit to an access lifetime of %p', (lifetime, graceMs, max) => {
      expect(resolve({ access: { lifetime } }).refresh.rules).toMatchObject({ graceMs, limit: { max, perMs: 3_600_000 } });
    });

    it('CF-09 freezes what it gives', () => {
      const resolved = resolve({ audience: ['web'] });
      const { access, refresh, transport, hooks, warnings } = resolved;
      const { header, cookie, csrf, locations } = transport;
      const parts = [
        resolved,
        access,
        access.audience,
        refresh,
        refresh.rules,
        transport,
        header,
        cookie,
        csrf,
        locations,
        hooks,
        warnings,
      ];
      expect(parts.filter((part) => !Object.isFrozen(part))).toEqual([]);
    });

    it('CF-09 changes nothing in what it is given', () => {
      const given = { issuer: ISSUER, secret: SECRET, access: { lifetime: 60 }, audience: ['web'] } as const;
      const copy = structuredClone(given);
      resolveTokenOptions({ ...given, audience: [...given.audience] }, 'default');
      expect(given).toEqual(copy);
    });
  });

  describe('switches parts off', () => {
    it('takes false for the cache, the limit and the janitor', () => {
      const { access, refresh, janitorMs } = resolve({ access: { cache: false }, refresh: { limit: false }, janitor: false });
      expect([access.cacheMax, refresh.rules.limit, janitorMs]).toEqual([null, null, null]);
    });

    it('takes an empty scheme for a bare token', () => {
      expect(resolve({ header: { scheme: '', access: 'X-Access-Token' } }).transport.header).toMatchObject({
        scheme: '',
        access: 'X-Access-Token',
      });
    });

    it('takes empty groups for their defaults', () => {
      expect(resolve({ access: {}, refresh: {}, header: {}, janitor: {} }).janitorMs).toBe(600_000);
    });
  });

  describe('warns', () => {
    it('warns of an explicit grace that makes jitter × lifetime at most 4 · grace', () => {
      expect(resolve({ refresh: { grace: '23s' } }).warnings).toEqual([expect.stringMatching(/^refresh\.grace: .*lower the grace$/)]);
    });

    it.each([
      ['an explicit grace below that', { refresh: { grace: '22s' } }],
      ['the default grace', { access: { lifetime: '2m' } }],
    ])('does not warn of %s', (_, change) => {
      expect(resolve(change).warnings).toEqual([]);
    });

    it.each([
      ['secret', { secret: 'abcdefghijklmno'.repeat(3) }],
      ['refresh.secret', { refresh: { secret: 'abcdefghijklmno'.repeat(3) } }],
      ['refresh.keys[0].secret', { refresh: { keys: [{ use: 'sign', secret: 'abcdefghijklmno'.repeat(3) }] } }],
      [
        'keys[0].key',
        { secret: DROP, refresh: { secret: SECRET }, keys: [{ algorithm: 'HS256', use: 'sign', key: 'abcdefghijklmno'.repeat(3) }] },
      ],
    ])('KY-01 warns of few distinct bytes in %s without telling them', (option, change) => {
      const { warnings } = resolve(change);
      expect(warnings).toEqual([expect.stringContaining(`${option} has only 15 distinct bytes`)]);
      expect(findLeaks(warnings.join(), ['abcdefghijklmno'.repeat(3)])).toEqual([]);
    });
  });

  describe('separates keys (KY-07)', () => {
    const refreshKeyOf = (change: Record<string, unknown>, realm?: string) =>
      resolve(change, realm).refresh.ring.signing.key.export().toString('hex');

    it('KY-07 derives refresh keys that differ by secret, issuer and instance, and never are the secret or the access key', () => {
      const keys = [
        refreshKeyOf({}),
        refreshKeyOf({}, 'admin'),
        refreshKeyOf({ issuer: 'https://other.example.com' }),
        refreshKeyOf({ secret: `2${SECRET}` }),
        resolve({}, 'admin').access.ring.signing.signingKey.export().toString('hex'),
        Buffer.from(SECRET).toString('hex'),
      ];
      expect(new Set(keys).size).toBe(keys.length);
    });

    it('KY-07 uses the secret of the module for refresh tokens unless they have their own', () => {
      expect(refreshKeyOf({ refresh: { secret: SECRET } })).toBe(refreshKeyOf({}));
      expect(
        refreshKeyOf({ secret: DROP, keys: [{ algorithm: 'RS256', key: privateKey, use: 'sign' }], refresh: { secret: SECRET } }),
      ).toBe(refreshKeyOf({}));
      expect(refreshKeyOf({ refresh: { secret: `2${SECRET}` } })).toBe(refreshKeyOf({ secret: `2${SECRET}` }));
    });

    it('KY-07 gives the same secret in text, bytes and KeyObject the same keys', () => {
      const keys = [SECRET, Buffer.from(SECRET), createSecretKey(Buffer.from(SECRET))].map((secret) => refreshKeyOf({ secret }));
      expect(new Set(keys).size).toBe(1);
    });

    it('reads a ring of refresh keys: one signs, all verify, each under its kid', () => {
      const keys = [
        { kid: 1, secret: SECRET, use: 'verify' },
        { kid: 2, secret: `2${SECRET}`, use: 'sign' },
        { secret: `3${SECRET}`, use: 'verify' },
      ];
      const { signing, verifying } = resolve({ refresh: { keys } }).refresh.ring;
      expect(signing.kid).toBe(2);
      expect([...verifying.keys()].slice(0, 2)).toEqual([1, 2]);
      expect(verifying.size).toBe(3);
    });

    it('KY-08 shows no secret to inspect() or JSON', () => {
      const resolved = resolve({}, 'admin');
      const secrets = [
        SECRET,
        Buffer.from(SECRET),
        resolved.refresh.ring.signing.key.export(),
        resolved.access.ring.signing.signingKey.export(),
      ];
      expect(findLeaks(inspect(resolved, { depth: 9, showHidden: true }) + JSON.stringify(resolved), secrets)).toEqual([]);
    });
  });

  it('CF-10 stands on versions of jsonwebtoken and jws without known holes', () => {
    const require = createRequire(import.meta.url);
    const versionOf = (name: string, from = import.meta.url) =>
      (JSON.parse(readFileSync(createRequire(from).resolve(`${name}/package.json`), 'utf8')) as { version: string }).version;
    const versions = [versionOf('jsonwebtoken'), versionOf('jws', require.resolve('jsonwebtoken'))].map((version) =>
      version.split('.').map(Number),
    );
    expect(versions[0]![0]).toBeGreaterThanOrEqual(9);
    const [major = 0, minor = 0, patch = 0] = versions[1]!;
    const isSafe4 = major > 4 || (major === 4 && (minor > 0 || patch >= 1));
    const isSafe3 = major === 3 && (minor > 2 || (minor === 2 && patch >= 3));
    expect(isSafe4 || isSafe3).toBe(true);
  });
});
