import { describe, expect, it } from '@jest/globals';
import type { TokenKey, VerificationKey } from 'nestjs-token';
import { Signer, TokenOptionsError } from 'nestjs-token';
import { createPublicKey, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { inspect } from 'node:util';
import type { AccessTokens } from '../support/access-tokens.js';
import { accessTokens, codeOf, decoded, SESSION_ID } from '../support/access-tokens.js';
import { SECRET } from '../support/app.js';
import { ecKey, rsaKey } from '../support/forge.js';
import { findLeaks } from '../support/leaks.js';
import { FakeClock } from 'nestjs-token/testing';
import { KeyRing, loadTokenOptions, readRingKeys, resolveTokenOptions } from '../support/lib.js';

const [first, second, third] = [ecKey(), ecKey(), ecKey()];
const ed = generateKeyPairSync('ed25519').privateKey;
const sign = { sessionId: SESSION_ID };

const signing = (kid: string, key = first): TokenKey => ({ kid, algorithm: 'ES256', key, use: 'sign' });
const verifying = (kid: string, key = first): TokenKey => ({ kid, algorithm: 'ES256', key: createPublicKey(key), use: 'verify' });

/** A node whose keys come from a function. */
interface Node extends AccessTokens {
  /** What the function returns from now on. */
  next: () => unknown;
}

function nodeWith(keys: TokenKey[], clock = new FakeClock()): Node {
  const state = { next: (): unknown => keys };
  const options = { keys: () => state.next() as TokenKey[] };
  // The function has been called already, as the module does before it resolves the options.
  const made = accessTokens({ options: { ...options }, clock, supplied: keys });
  return Object.assign(state, made);
}

describe('AccessTokenService.reloadKeys', () => {
  it('KY-05 rotates in two phases without a restart: no node refuses a token of another node in any step', async () => {
    const clock = new FakeClock();
    const nodes = [1, 2, 3].map(() => nodeWith([signing('a')], clock));
    const phases = [[signing('a'), verifying('b', second)], [signing('b', second), verifying('a')], [signing('b', second)]];
    const verdicts: string[] = [];
    const tokens = [await nodes[0]!.service.sign('alice', sign)];
    for (const [phase, keys] of phases.entries()) {
      for (const node of nodes) {
        node.next = () => keys;
        await node.service.reloadKeys();
        for (const issuer of nodes) tokens.push(await issuer.service.sign('alice', sign));
        // The third phase comes when the tokens of the old key have expired.
        const alive = phase === 2 ? tokens.filter((token) => decoded(token).header['kid'] === 'b') : tokens;
        for (const other of nodes) for (const token of alive) verdicts.push(await codeOf(() => other.service.verify(token)));
      }
    }
    expect(verdicts.length).toBeGreaterThan(100);
    expect([...new Set(verdicts)]).toEqual(['none']);
    expect(new Set(tokens.map((token) => decoded(token).header['kid']))).toEqual(new Set(['a', 'b']));
  });

  it('KY-05 refuses a key that is gone at once, also for a token that is known already', async () => {
    const node = nodeWith([signing('a'), verifying('b', second)]);
    const { service: other } = accessTokens({ options: { keys: [signing('b', second)] }, clock: node.clock });
    const [own, others] = [await node.service.sign('alice', sign), await other.sign('bob', sign)];
    for (const token of [own, others]) await node.service.verify(token);
    expect(node.service.recall(others)).toBeDefined();
    node.next = () => [signing('a')];
    await node.service.reloadKeys();
    expect(node.service.recall(others)).toBeUndefined();
    await expect(node.service.verify(others)).rejects.toMatchObject({ errorCode: 'token_invalid', unknownKey: true });
    expect(node.service.recall(own)).toBeDefined();
  });

  it('KY-05 refuses a token of a key that has changed under its kid or its algorithm', async () => {
    const rsa = rsaKey();
    const node = nodeWith([{ kid: 'a', algorithm: 'RS256', key: rsa, use: 'sign' }]);
    const token = await node.service.sign('alice', sign);
    await node.service.verify(token);
    for (const keys of [[signing('a', third)], [{ kid: 'a', algorithm: 'PS256', key: rsa, use: 'sign' }]]) {
      node.next = () => keys;
      await node.service.reloadKeys();
      expect(await codeOf(() => node.service.verify(token))).toBe('token_invalid');
    }
  });

  it('keeps the tokens in the cache of a key that stays, in whatever role', async () => {
    const node = nodeWith([signing('a')]);
    const token = await node.service.sign('alice', sign);
    await node.service.verify(token);
    node.next = () => [signing('b', second), verifying('a')];
    await node.service.reloadKeys();
    expect(node.service.recall(token)).toBeDefined();
  });

  it('signs with the new key and its algorithm', async () => {
    const node = nodeWith([signing('a')]);
    node.next = () => [{ kid: 'c', algorithm: 'EdDSA', key: ed, use: 'sign' }];
    await node.service.reloadKeys();
    const token = await node.service.sign('alice', sign);
    expect(decoded(token).header).toEqual({ alg: 'EdDSA', typ: 'at+jwt', kid: 'c' });
    expect(await codeOf(() => node.service.verify(token))).toBe('none');
  });

  it.each<[string, () => unknown, string]>([
    ['no keys', () => [], 'keys'],
    ['no list', () => signing('a'), 'keys'],
    ['nothing', () => undefined, 'keys'],
    ['no signing key', () => [verifying('a')], 'keys'],
    ['two signing keys', () => [signing('a'), signing('b', second)], 'keys'],
    ['a duplicate kid', () => [signing('a'), verifying('a', second)], 'keys'],
    ['secrets and key pairs', () => [signing('a'), { kid: 's', algorithm: 'HS256', key: SECRET, use: 'verify' }], 'keys'],
    ['a private key to verify', () => [signing('a'), { ...signing('b', second), use: 'verify' }], 'keys[1].key'],
    ['the algorithm none', () => [{ ...signing('a'), algorithm: 'none' }], 'keys[0].algorithm'],
    ['an unknown member', () => [{ ...signing('a'), kids: 'a' }], 'keys[0].kids'],
    ['a weak key', () => [{ ...signing('a'), key: generateKeyPairSync('rsa', { modulusLength: 1_024 }).privateKey }], 'keys[0].key'],
  ])('KY-02 rejects %s, and keeps the keys', async (_, next, option) => {
    const node = nodeWith([signing('a'), verifying('b', second)]);
    const token = await node.service.sign('alice', sign);
    node.next = next;
    await expect(node.service.reloadKeys()).rejects.toMatchObject({ name: 'TokenOptionsError', option });
    expect(node.ring.all.map(({ kid }) => kid)).toEqual(['a', 'b']);
    expect(await codeOf(() => node.service.verify(token))).toBe('none');
    expect(decoded(await node.service.sign('alice', sign)).header['kid']).toBe('a');
  });

  it('passes on what the function throws or rejects with, and keeps the keys', async () => {
    const node = nodeWith([signing('a')]);
    for (const next of [
      () => {
        throw new Error('vault is sealed');
      },
      () => Promise.reject(new Error('vault is sealed')),
    ]) {
      node.next = next;
      await expect(node.service.reloadKeys()).rejects.toThrow('vault is sealed');
    }
    expect(node.ring.signing.kid).toBe('a');
  });

  it('lets the reload that was started last decide, even if an earlier one ends after it', async () => {
    const node = nodeWith([signing('a')]);
    let release = (_: TokenKey[]): void => undefined;
    node.next = () => new Promise<TokenKey[]>((resolve) => (release = resolve));
    const slow = node.service.reloadKeys();
    node.next = () => [signing('c', third)];
    await node.service.reloadKeys();
    release([signing('b', second)]);
    await slow;
    expect(node.ring.signing.kid).toBe('c');
  });

  it('is refused where `keys` is a list, or there is a `secret`', async () => {
    for (const options of [{ keys: [signing('a')] }, {}]) {
      await expect(accessTokens({ options }).service.reloadKeys()).rejects.toMatchObject({
        option: 'keys',
        message: expect.stringMatching(/is no function/),
      });
    }
  });

  it('KY-05 never takes a key back that was retired here, and does not let it sign', async () => {
    const node = nodeWith([signing('a'), verifying('b', second)]);
    node.service.retireKey('b');
    node.next = () => [signing('a'), verifying('b', second), verifying('c', second)];
    await node.service.reloadKeys();
    expect(node.ring.all.map(({ kid }) => kid)).toEqual(['a', 'c']);
    node.next = () => [signing('b', second)];
    await expect(node.service.reloadKeys()).rejects.toThrow(/the key b was retired on this node/);
    expect(node.ring.signing.kid).toBe('a');
  });

  it('KY-05 retires the key that signed before, once another one signs', async () => {
    const node = nodeWith([signing('a')]);
    const token = await node.service.sign('alice', sign);
    expect(() => node.service.retireKey('a')).toThrow(RangeError);
    node.next = () => [signing('b', second), verifying('a')];
    await node.service.reloadKeys();
    node.service.retireKey('a');
    expect(await codeOf(() => node.service.verify(token))).toBe('token_invalid');
  });

  it('KY-08 shows no key in an error or to inspect()', async () => {
    const node = nodeWith([{ kid: 'a', algorithm: 'HS256', key: SECRET, use: 'sign' }]);
    node.next = () => [{ kid: 'a', algorithm: 'RS256', key: SECRET, use: 'sign' }];
    const error: unknown = await node.service.reloadKeys().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TokenOptionsError);
    expect(findLeaks(inspect([error, node.service], { depth: 9, showHidden: true }), [SECRET, Buffer.from(SECRET)])).toEqual([]);
  });
});

describe('the option keys as a function', () => {
  const load = (keys: () => unknown) =>
    loadTokenOptions({ issuer: 'i', keys: keys as () => TokenKey[], refresh: { secret: SECRET } }, 'default');

  it('KY-05 is called at start-up, at once or with a promise', async () => {
    for (const keys of [() => [signing('a')], () => Promise.resolve([signing('a')])]) {
      const { access } = await load(keys);
      expect(access.ring.signing.kid).toBe('a');
    }
  });

  it.each<[string, () => unknown, string]>([
    ['no list', () => 'keys', 'keys'],
    ['an empty list', () => [], 'keys'],
    ['a key without an algorithm', () => [{ key: first, use: 'sign' }], 'keys[0].algorithm'],
    ['null in the list', () => [null], 'keys[0]'],
  ])('KY-03 refuses to start with %s', async (_, keys, option) => {
    await expect(load(keys)).rejects.toMatchObject({ name: 'TokenOptionsError', option });
  });

  it('passes on at start-up what the function throws', async () => {
    await expect(load(() => Promise.reject(new Error('vault is sealed')))).rejects.toThrow('vault is sealed');
  });
});

describe('AccessTokenService.jwks', () => {
  const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];
  const keys: TokenKey[] = [
    { algorithm: 'PS256', key: rsaKey(), use: 'sign' },
    { kid: 'b', algorithm: 'ES256', key: createPublicKey(second), use: 'verify' },
    { kid: 'c', algorithm: 'EdDSA', key: createPublicKey(ed), use: 'verify' },
  ];

  it('KY-08 publishes each key with its kid, its only algorithm and its public members, and nothing else', () => {
    const published = accessTokens({ options: { keys } }).service.jwks();
    expect(published.keys.map((key) => Object.keys(key).sort().join())).toEqual([
      'alg,e,kid,kty,n,use',
      'alg,crv,kid,kty,use,x,y',
      'alg,crv,kid,kty,use,x',
    ]);
    expect(published.keys.map(({ alg, use, kty }) => [alg, use, kty])).toEqual([
      ['PS256', 'sig', 'RSA'],
      ['ES256', 'sig', 'EC'],
      ['EdDSA', 'sig', 'OKP'],
    ]);
    expect(published.keys.flatMap((key) => Object.keys(key)).filter((name) => PRIVATE_MEMBERS.includes(name))).toEqual([]);
  });

  it('publishes keys that a ring reads again, with the same kids', () => {
    const { service, ring } = accessTokens({ options: { keys } });
    const read = service.jwks().keys.map((key): TokenKey => ({ kid: key.kid, algorithm: key.alg, key, use: 'verify' }));
    const other = new KeyRing(readRingKeys([signing('own', third), ...read]).keys);
    expect(ring.all.map(({ kid, key }) => other.find(kid)?.key.equals(key))).toEqual([true, true, true]);
  });

  it.each<[string, object]>([
    ['a secret', {}],
    ['an HS512 key', { keys: [{ algorithm: 'HS512', key: `${SECRET}${SECRET}`, use: 'sign' }] }],
  ])('KY-08 publishes nothing of %s', (_, options) => {
    expect(accessTokens({ options }).service.jwks()).toEqual({ keys: [] });
  });

  it('KY-05 follows a reload and the retirement of a key', async () => {
    const node = nodeWith([signing('a'), verifying('b', second)]);
    node.service.retireKey('b');
    expect(node.service.jwks().keys.map(({ kid }) => kid)).toEqual(['a']);
    node.next = () => [signing('c', third), verifying('a')];
    await node.service.reloadKeys();
    expect(node.service.jwks().keys.map(({ kid }) => kid)).toEqual(['c', 'a']);
  });
});

describe('the option signer', () => {
  class Elsewhere extends Signer {
    readonly kid: string = 'kms';
    readonly algorithm = 'ES256';
    override sign(input: Uint8Array): Uint8Array {
      return signBytes('sha256', input, { key: first, dsaEncoding: 'ieee-p1363' });
    }
  }
  const resolve = (change: object) =>
    resolveTokenOptions({ issuer: 'i', signer: new Elsewhere(), refresh: { secret: SECRET }, ...change }, 'default');

  it('takes a ring of public keys alone, one of which is its own', () => {
    const { access } = resolve({ keys: [verifying('kms'), verifying('b', second)] });
    expect(access.signer).toBeInstanceOf(Elsewhere);
    expect(access.ring.all.map(({ kid }: VerificationKey) => kid)).toEqual(['kms', 'b']);
    expect(() => access.ring.signing).toThrow(/only verify/);
  });

  it.each<[string, object, string, RegExp]>([
    ['a secret', { secret: SECRET }, 'signer', /needs `keys`/],
    ['no keys', {}, 'signer', /needs `keys`/],
    ['a key that signs', { keys: [signing('kms')] }, 'keys', /because the signer signs/],
    ['no key of its kid', { keys: [verifying('b', second)] }, 'keys', /no key has the kid and the algorithm of the `signer`/],
    [
      'another algorithm',
      { keys: [{ kid: 'kms', algorithm: 'EdDSA', key: createPublicKey(ed), use: 'verify' }] },
      'keys',
      /no key has the kid/,
    ],
    ['no method', { signer: {}, keys: [verifying('kms')] }, 'signer', /a Signer, an object with sign/],
  ])('refuses %s', (_, change, option, message) => {
    expect(() => resolve(change)).toThrow(expect.objectContaining({ option, message: expect.stringMatching(message) }));
  });
});
