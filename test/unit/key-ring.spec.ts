import { describe, expect, it } from '@jest/globals';
import type { TokenAlgorithm, TokenKey } from 'nestjs-token';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { KeyRing, keyRingFromSecret, readRingKeys } from '../support/lib.js';
import { SECRET } from '../support/app.js';
import { findLeaks } from '../support/leaks.js';
import { almostRocaKey, rocaKeyPair } from '../support/roca.js';
import { refusalOf } from '../support/option-refusal.js';
import { isOfSmallOrder } from '../support/small-order.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const otherRsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const weakRsa = generateKeyPairSync('rsa', { modulusLength: 1_024 });
const smallExponent = generateKeyPairSync('rsa', { modulusLength: 2_048, publicExponent: 3 });
const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2_048 });
const ed = generateKeyPairSync('ed25519');
const curve = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const [p256, p384, p521, k256] = ['prime256v1', 'secp384r1', 'secp521r1', 'secp256k1'].map(curve) as [Pair, Pair, Pair, Pair];
type Pair = ReturnType<typeof generateKeyPairSync> & { publicKey: KeyObject; privateKey: KeyObject };

const RFC_7638_MODULUS =
  '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw';

const signing: TokenKey = { kid: 'now', algorithm: 'RS256', key: rsa.privateKey, use: 'sign' };
const jwkOf = (key: KeyObject, more: object = {}) => ({ ...key.export({ format: 'jwk' }), ...more });

function keyRingFromKeys(given: readonly TokenKey[]): { ring: KeyRing; warnings: string[] } {
  const { keys, warnings } = readRingKeys(given);
  return { ring: new KeyRing(keys), warnings };
}

const refusal = (keys: unknown[]) => refusalOf(() => keyRingFromKeys(keys as TokenKey[]));

describe('KeyRing', () => {
  describe('KY-02 takes only keys that are fit for their algorithm, to sign and to verify', () => {
    it.each<[title: string, algorithm: TokenAlgorithm, pair: Pair, message: RegExp]>([
      ['RSA of 1024 bits', 'RS256', weakRsa, /RSA key of at least 2048 bits/],
      ['RSA of 1024 bits for PSS', 'PS512', weakRsa, /RSA key of at least 2048 bits/],
      ['RSA with e = 3', 'RS256', smallExponent, /exponent of at least 65537/],
      ['EC for RS256', 'RS256', p256, /takes an RSA key/],
      ['Ed25519 for RS256', 'RS256', ed, /takes an RSA key/],
      ['an RSASSA-PSS key for RS256', 'RS256', pss, /takes an RSA key/],
      ['RSA for ES256', 'ES256', rsa, /takes an EC key on prime256v1/],
      ['P-384 for ES256', 'ES256', p384, /takes an EC key on prime256v1/],
      ['P-256 for ES384', 'ES384', p256, /takes an EC key on secp384r1/],
      ['P-256 for ES512', 'ES512', p256, /takes an EC key on secp521r1/],
      ['Ed448 for EdDSA', 'EdDSA', generateKeyPairSync('ed448'), /takes an Ed25519 key/],
      ['X25519 for EdDSA', 'EdDSA', generateKeyPairSync('x25519'), /takes an Ed25519 key/],
      ['P-256 for EdDSA', 'EdDSA', p256, /takes an Ed25519 key/],
      ['Ed25519 for ES256', 'ES256', ed, /takes an EC key on prime256v1/],
      ['secp256k1 for ES256', 'ES256', k256, /takes an EC key on prime256v1/],
    ])('KY-02 refuses %s', (_, algorithm, { publicKey, privateKey }, message) => {
      expect(refusal([{ algorithm, key: privateKey, use: 'sign' }])).toMatchObject({
        option: 'keys[0].key',
        message: expect.stringMatching(message),
      });
      expect(refusal([signing, { algorithm, key: publicKey, use: 'verify' }])).toMatchObject({ option: 'keys[1].key' });
    });

    it('KY-02 refuses an RSA key with the ROCA fingerprint, to sign and to verify (F-22)', () => {
      const { privateKey, publicKey } = rocaKeyPair();
      const message = expect.stringMatching(/ROCA, CVE-2017-15361/);
      expect(refusal([{ algorithm: 'RS256', key: privateKey, use: 'sign' }])).toMatchObject({ option: 'keys[0].key', message });
      expect(refusal([signing, { algorithm: 'PS256', key: publicKey, use: 'verify' }])).toMatchObject({ option: 'keys[1].key', message });
    });

    it('KY-02 takes an RSA key that misses the ROCA fingerprint by one prime (F-22)', () => {
      const { ring } = keyRingFromKeys([signing, { algorithm: 'RS256', key: almostRocaKey(), use: 'verify' }]);
      expect(ring.all).toHaveLength(2);
    });

    it.each([
      '0000000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000000',
      '0100000000000000000000000000000000000000000000000000000000000080',
      '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
      'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
      'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
      'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    ])('KY-02 refuses the Ed25519 key %s, for which anyone can sign', (point) => {
      const key = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(point, 'hex').toString('base64url') };
      expect(isOfSmallOrder(Buffer.from(point, 'hex'))).toBe(true);
      expect(refusal([signing, { algorithm: 'EdDSA', key, use: 'verify' }])).toMatchObject({
        option: 'keys[1].key',
        message: expect.stringMatching(/point of small order/),
      });
    });

    it('KY-02 takes an Ed25519 key for which only its owner can sign', () => {
      const key = ed.publicKey.export({ format: 'jwk' });
      expect(isOfSmallOrder(Buffer.from(key.x!, 'base64url'))).toBe(false);
      expect(keyRingFromKeys([signing, { algorithm: 'EdDSA', key, use: 'verify' }]).ring.all).toHaveLength(2);
    });

    it.each<[TokenAlgorithm, KeyObject]>([
      ['HS256', createSecretKey(randomBytes(31))],
      ['HS384', createSecretKey(randomBytes(47))],
      ['HS512', createSecretKey(randomBytes(63))],
    ])('KY-01 refuses a %s key that is a byte shorter than the hash', (algorithm, key) => {
      expect(refusal([{ algorithm, key, use: 'sign' }])).toMatchObject({
        option: 'keys[0].key',
        message: expect.stringMatching(/needs at least/),
      });
    });

    it('KY-02 refuses a private key in a ring that only verifies with it', () => {
      expect(refusal([signing, { algorithm: 'ES256', key: p256.privateKey, use: 'verify' }]).message).toMatch(/is a private key/);
    });

    it('KY-02 refuses to sign with a public key', () => {
      expect(refusal([{ algorithm: 'ES256', key: p256.publicKey, use: 'sign' }]).message).toMatch(/is a public key/);
    });

    it('KY-03 refuses an asymmetric key for an HMAC algorithm', () => {
      for (const key of [rsa.publicKey, rsa.publicKey.export({ format: 'pem', type: 'spki' }), jwkOf(rsa.publicKey)]) {
        expect(refusal([{ algorithm: 'HS256', key, use: 'sign' }]).option).toBe('keys[0].key');
      }
    });

    it('KY-03 refuses a secret for an asymmetric algorithm', () => {
      for (const key of [SECRET, createSecretKey(Buffer.from(SECRET)), { kty: 'oct', k: 'AAAA' }]) {
        expect(refusal([{ algorithm: 'RS256', key, use: 'verify' }, signing]).option).toBe('keys[0].key');
      }
    });

    it('KY-02 takes a public key out of the private one and keeps only that to verify', () => {
      const { ring } = keyRingFromKeys([signing]);
      expect([ring.signing.signingKey.type, ring.find('now')?.key.type]).toEqual(['private', 'public']);
    });
  });

  describe('KY-04 finds keys by kid and by nothing else', () => {
    const verifying: TokenKey = { kid: 'before', algorithm: 'ES256', key: p256.publicKey, use: 'verify' };

    it('KY-04 finds the signing and the verifying keys', () => {
      const { ring } = keyRingFromKeys([verifying, signing]);
      expect(ring.find('now')).toMatchObject({ kid: 'now', algorithm: 'RS256' });
      expect(ring.find('before')).toMatchObject({ kid: 'before', algorithm: 'ES256' });
      expect(ring.all.map(({ algorithm }) => algorithm).sort()).toEqual(['ES256', 'RS256']);
      expect(ring.all.map(({ kid }) => kid)).toEqual(['now', 'before']);
    });

    it.each(['', 'NOW', 'now ', '__proto__', 'constructor', 'toString', '0'])('KY-04 finds no key named %j', (kid) => {
      expect(keyRingFromKeys([signing]).ring.find(kid)).toBeUndefined();
    });

    it('KY-04 refuses secrets mixed with key pairs', () => {
      expect(refusal([signing, { kid: 'secret', algorithm: 'HS256', key: SECRET, use: 'verify' }]).message).toMatch(/mixed/);
    });

    it('KY-04 refuses two keys with one kid', () => {
      expect(refusal([signing, { ...verifying, kid: 'now' }])).toMatchObject({
        option: 'keys',
        message: expect.stringMatching(/two keys have the kid now/),
      });
    });

    it('KY-04 refuses the same key twice without a kid', () => {
      const key: TokenKey = { algorithm: 'RS256', key: rsa.privateKey, use: 'sign' };
      expect(refusal([key, { algorithm: 'RS256', key: rsa.publicKey, use: 'verify' }]).message).toMatch(/two keys have the kid/);
    });

    it.each([[[]], [[verifying]], [[signing, { ...signing, kid: 'two', key: otherRsa.privateKey }]]])(
      'KY-04 wants exactly one key that signs (case %#)',
      (keys) => {
        expect(refusal(keys)).toMatchObject({ option: 'keys', message: expect.stringMatching(/exactly one key has use: 'sign'/) });
      },
    );

    it.each(['', 'a b', 'ä', '../etc/passwd', 'x'.repeat(65), 'a\n', 5, null])('KY-04 refuses the kid %j', (kid) => {
      expect(refusal([{ ...signing, kid }])).toMatchObject({ option: 'keys[0].kid', message: expect.stringMatching(/1 to 64 characters/) });
    });

    it('KY-04 derives a kid that is the same on every node and differs between keys', () => {
      const kidOf = (key: TokenKey['key'], algorithm: TokenAlgorithm) =>
        keyRingFromKeys([{ algorithm, key, use: 'sign' }]).ring.signing.kid;
      const kids = [
        kidOf(rsa.privateKey, 'RS256'),
        kidOf(rsa.privateKey.export({ format: 'pem', type: 'pkcs1' }), 'RS256'),
        kidOf(otherRsa.privateKey, 'RS256'),
        kidOf(p521.privateKey, 'ES512'),
      ];
      expect(kids.every((kid) => /^[A-Za-z0-9_-]{43}$/.test(kid))).toBe(true);
      expect(kids[0]).toBe(kids[1]);
      expect(new Set(kids).size).toBe(3);
    });

    it.each<[string, JsonWebKey, TokenAlgorithm, string]>([
      ['RFC 7638 §3.1', { kty: 'RSA', e: 'AQAB', n: RFC_7638_MODULUS }, 'RS256', 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs'],
      [
        'RFC 8037 §A.3',
        { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
        'EdDSA',
        'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
      ],
    ])('KY-04 derives the kid of a public key as the thumbprint of %s', (_, key, algorithm, kid) => {
      // Other members of a JWK do not take part.
      const { ring } = keyRingFromKeys([signing, { algorithm, key: { ...key, use: 'sig', alg: algorithm }, use: 'verify' }]);
      expect(ring.find(kid)?.algorithm).toBe(algorithm);
    });

    it('KY-04 derives the kid of the public key of a pair from either half', () => {
      const { ring } = keyRingFromKeys([{ algorithm: 'RS256', key: otherRsa.privateKey, use: 'sign' }]);
      const verifyOnly = keyRingFromKeys([signing, { algorithm: 'RS256', key: otherRsa.publicKey, use: 'verify' }]).ring;
      expect(verifyOnly.find(ring.signing.kid)?.key.equals(otherRsa.publicKey)).toBe(true);
    });

    it('KY-04 derives a kid of a secret that does not tell the secret', () => {
      const { signing: key } = keyRingFromSecret(createSecretKey(Buffer.from(SECRET)), 'issuer', 'default');
      expect(key.kid).toMatch(/^[A-Za-z0-9_-]{11}$/);
      expect(findLeaks(key.kid, [SECRET])).toEqual([]);
    });
  });

  describe('KY-05 retires keys', () => {
    const ringOf = () => keyRingFromKeys([signing, { kid: 'before', algorithm: 'RS256', key: otherRsa.publicKey, use: 'verify' }]).ring;

    it('KY-05 finds a retired key no more', () => {
      const ring = ringOf();
      ring.retire('before');
      expect(ring.find('before')).toBeUndefined();
      expect(ring.find('now')).toBeDefined();
    });

    it('KY-05 does not retire the key that signs', () => {
      const ring = ringOf();
      expect(() => ring.retire('now')).toThrow(RangeError);
      expect(ring.find('now')).toBeDefined();
    });

    it('KY-05 ignores a kid that it does not know', () => {
      const ring = ringOf();
      ring.retire('nobody');
      expect(ring.all).toHaveLength(2);
    });
  });

  describe('KY-06 honours what a JWK says of itself', () => {
    it.each<[title: string, key: object, message: RegExp]>([
      ['an encryption key', jwkOf(rsa.privateKey, { use: 'enc' }), /has use 'enc', not 'sig'/],
      ['a key that may only verify', jwkOf(rsa.privateKey, { key_ops: ['verify'] }), /key_ops lack 'sign'/],
      ['a key that may only encrypt', jwkOf(rsa.privateKey, { key_ops: ['encrypt', 'decrypt'] }), /key_ops lack 'sign'/],
      ['a key with empty key_ops', jwkOf(rsa.privateKey, { key_ops: [] }), /key_ops lack 'sign'/],
      ['a key with malformed key_ops', jwkOf(rsa.privateKey, { key_ops: 5 }), /key_ops lack 'sign'/],
      ['a key of another algorithm', jwkOf(rsa.privateKey, { alg: 'PS256' }), /is for 'PS256', not RS256/],
      ['a key of an encryption algorithm', jwkOf(rsa.privateKey, { alg: 'RSA-OAEP' }), /is for 'RSA-OAEP', not RS256/],
    ])('KY-06 refuses %s', (_, key, message) => {
      expect(refusal([{ algorithm: 'RS256', key, use: 'sign' }])).toMatchObject({
        option: 'keys[0].key',
        message: expect.stringMatching(message),
      });
    });

    it('KY-06 refuses a key that may not verify where it is given to verify', () => {
      const key = jwkOf(p256.publicKey, { key_ops: ['sign'] });
      expect(refusal([signing, { algorithm: 'ES256', key, use: 'verify' }])).toMatchObject({ option: 'keys[1].key' });
    });

    it.each<[TokenAlgorithm, object]>([
      ['RS256', jwkOf(rsa.privateKey, { use: 'sig', key_ops: ['sign'], alg: 'RS256' })],
      ['ES384', jwkOf(p384.privateKey, { use: 'sig', alg: 'ES384' })],
      ['HS256', { kty: 'oct', k: Buffer.from(SECRET).toString('base64url'), use: 'sig', key_ops: ['sign', 'verify'], alg: 'HS256' }],
    ])('KY-06 takes a %s JWK that says what it is given for', (algorithm, key) => {
      expect(keyRingFromKeys([{ algorithm, key: key as JsonWebKey, use: 'sign' }]).ring.signing.algorithm).toEqual(algorithm);
    });

    it.each([{ kty: 'oct' }, { kty: 'oct', k: '' }, { kty: 'oct', k: 5 }, { kty: 'oct', k: randomBytes(16).toString('base64url') }])(
      'KY-06 refuses the symmetric JWK of case %#, which is too short',
      (key) => {
        expect(refusal([{ algorithm: 'HS256', key, use: 'sign' }]).message).toMatch(/has \d+ bytes, needs at least 32/);
      },
    );
  });

  it('KY-08 shows no secret to inspect()', () => {
    const { ring } = keyRingFromKeys([{ algorithm: 'HS256', key: SECRET, use: 'sign' }]);
    expect(findLeaks(inspect(ring, { depth: 9, showHidden: true }), [SECRET, Buffer.from(SECRET)])).toEqual([]);
  });

  it('KY-01 passes on the remark on a doubtful secret', () => {
    const { warnings } = keyRingFromKeys([{ algorithm: 'HS256', key: 'abcdefghijklmno'.repeat(3), use: 'sign' }]);
    expect(warnings).toEqual([expect.stringMatching(/^keys\[0\]\.key has only 15 distinct bytes/)]);
  });
});

describe('keyRingFromSecret', () => {
  const secret = createSecretKey(Buffer.from(SECRET));

  it('KY-07 signs with the secret itself for the instance without a name', () => {
    const { signing: key } = keyRingFromSecret(secret, 'issuer', 'default');
    expect(key.signingKey.export()).toEqual(Buffer.from(SECRET));
    expect(key.algorithm).toBe('HS256');
  });

  it('KY-07 derives a key for each name and issuer', () => {
    const keys = [
      ['i', 'default'],
      ['i', 'admin'],
      ['i', 'staff'],
      ['j', 'admin'],
    ].map(([issuer, realm]) => keyRingFromSecret(secret, issuer!, realm!).signing);
    expect(new Set(keys.map(({ signingKey }) => signingKey.export().toString('hex'))).size).toBe(4);
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(4);
  });
});
