import { describe, expect, it } from '@jest/globals';
import type { KeyObject } from 'node:crypto';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { keyRingFromDocument, readKeySet } from '../support/lib.js';
import { findLeaks } from '../support/leaks.js';
import { rocaKeyPair } from '../support/roca.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const weakRsa = generateKeyPairSync('rsa', { modulusLength: 1_024 });
const smallExponent = generateKeyPairSync('rsa', { modulusLength: 2_048, publicExponent: 3 });
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const [p256, p384, p521, k256] = ['prime256v1', 'secp384r1', 'secp521r1', 'secp256k1'].map(ec) as [Pair, Pair, Pair, Pair];
const ed = generateKeyPairSync('ed25519');
type Pair = { publicKey: KeyObject; privateKey: KeyObject };
const jwk = (key: KeyObject, more: object = {}) => ({ ...key.export({ format: 'jwk' }), kid: 'a', ...more });
const good = jwk(p256.publicKey, { kid: 'good' });
const read = (...keys: unknown[]) => readKeySet({ keys });

describe('readKeySet', () => {
  it.each<[string, object, string]>([
    ['RSA with alg', jwk(rsa.publicKey, { alg: 'PS384', use: 'sig' }), 'PS384'],
    ['RSA without alg', jwk(rsa.publicKey), 'RS256'],
    ['P-256', jwk(p256.publicKey), 'ES256'],
    ['P-384', jwk(p384.publicKey, { key_ops: ['verify'] }), 'ES384'],
    ['P-521', jwk(p521.publicKey, { alg: 'ES512' }), 'ES512'],
    ['Ed25519', jwk(ed.publicKey, { alg: 'EdDSA' }), 'EdDSA'],
    ['Ed25519 without alg, with members that nobody knows', jwk(ed.publicKey, { x5t: 'AA', nbf: 1 }), 'EdDSA'],
    ['a kid as other services have it', jwk(ed.publicKey, { kid: 'a+b/c==:1' }), 'EdDSA'],
  ])('KY-06 pins %s to one algorithm', (_, key, algorithm) => {
    const { keys, refused } = read(key);
    expect([keys.map((one) => one.algorithm), keys.map((one) => one.key.type), refused]).toEqual([[algorithm], ['public'], []]);
  });

  it.each<[string, unknown, RegExp]>([
    ['RSA of 1024 bits (KY-02)', jwk(weakRsa.publicKey), /at least 2048 bits/],
    ['RSA with e = 3 (KY-02)', jwk(smallExponent.publicKey), /exponent of at least 65537/],
    ['RSA with the ROCA fingerprint (KY-02)', jwk(rocaKeyPair().publicKey), /ROCA/],
    ['secp256k1 (KY-02)', jwk(k256.publicKey), /algorithm/],
    [
      'an Ed25519 key of small order (KY-02)',
      { kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(32).toString('base64url'), kid: 'a' },
      /small order/,
    ],
    ['a curve that does not fit alg (KY-02)', jwk(p384.publicKey, { alg: 'ES256' }), /prime256v1/],
    ['Ed25519 for ES256 (KY-02)', jwk(ed.publicKey, { alg: 'ES256' }), /EC key/],
    ['X25519', jwk(generateKeyPairSync('x25519').publicKey), /algorithm/],
    ['a private EC key (KY-08)', jwk(p256.privateKey), /not public/],
    ['a private RSA key (KY-08)', jwk(rsa.privateKey, { alg: 'RS256' }), /not public/],
    ['an RSA key with a prime (KY-08)', jwk(rsa.publicKey, { p: 'AA' }), /not public/],
    ['a secret (KY-08)', { kty: 'oct', k: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA', alg: 'HS256', kid: 'a' }, /not public/],
    ['a public key for HS256', jwk(rsa.publicKey, { alg: 'HS256' }), /algorithm/],
    ['the algorithm none', jwk(rsa.publicKey, { alg: 'none' }), /algorithm/],
    ['the algorithm of encryption (KY-06)', jwk(rsa.publicKey, { alg: 'RSA-OAEP-256' }), /algorithm/],
    ['an alg that is no text', jwk(rsa.publicKey, { alg: ['RS256'] }), /algorithm/],
    ['an alg that is null', jwk(rsa.publicKey, { alg: 7 }), /algorithm/],
    ['a key for encryption (KY-06)', jwk(rsa.publicKey, { use: 'enc' }), /use other than 'sig'/],
    ['key_ops without verify (KY-06)', jwk(rsa.publicKey, { key_ops: ['encrypt'] }), /key_ops lack 'verify'/],
    ['key_ops that are no list (KY-06)', jwk(rsa.publicKey, { key_ops: 'verify' }), /key_ops lack 'verify'/],
    ['no kid (KY-04)', rsa.publicKey.export({ format: 'jwk' }), /no kid/],
    ['an empty kid (KY-04)', jwk(rsa.publicKey, { kid: '' }), /no kid/],
    ['a kid that is a number (KY-04)', jwk(rsa.publicKey, { kid: 1 }), /no kid/],
    ['a kid with a line break (KY-04)', jwk(rsa.publicKey, { kid: 'a\n' }), /no kid/],
    ['an unknown kty', { kty: 'XYZ', kid: 'a' }, /algorithm/],
    ['a kty of a prototype', { kty: 'constructor', crv: 'constructor', kid: 'a' }, /algorithm/],
    ['a modulus that is no text', { kty: 'RSA', n: 5, e: 'AQAB', kid: 'a' }, /cannot be read/],
    ['a point that is not on the curve', { ...jwk(p256.publicKey), y: jwk(p256.publicKey).x }, /cannot be read/],
    ['null', null, /is not a JWK/],
    ['text', 'key', /is not a JWK/],
    ['a list', [], /is not a JWK/],
  ])('leaves out %s, says why, and takes the other keys', (_, key, reason) => {
    const { keys, refused } = read(key, good);
    expect(keys.map(({ kid }) => kid)).toEqual(['good']);
    expect(refused).toEqual([expect.stringMatching(reason)]);
    expect(refused[0]).toMatch(/^keys\[0\]/);
  });

  it('KY-04 leaves out all keys that share a kid', () => {
    const { keys, refused } = read(jwk(p256.publicKey), good, jwk(ed.publicKey));
    expect([keys.map(({ kid }) => kid), refused]).toEqual([['good'], [expect.stringMatching(/share a kid/)]]);
  });

  it.each([null, undefined, 5, 'text', [], {}, { keys: {} }, { keys: 'a' }, { keys: Array.from({ length: 101 }, () => good) }])(
    'refuses %j as a whole',
    (document) => {
      expect(() => readKeySet(document)).toThrow(/is not a key set|more than 100 keys/);
    },
  );

  it('KY-08 quotes nothing of a key that it leaves out', () => {
    const secret = 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA';
    const key = jwk(p256.privateKey) as { d: string };
    const { refused } = read({ kty: 'oct', k: secret, kid: 'a' }, key, { ...jwk(rsa.publicKey), alg: secret, use: secret });
    expect(refused).toHaveLength(3);
    expect(findLeaks(refused.join(), [secret, key.d])).toEqual([]);
  });
});

describe('keyRingFromDocument', () => {
  it.each([
    ['an object', { keys: [good] }],
    ['its JSON text', JSON.stringify({ keys: [good] })],
  ])('takes %s', (_, document) => {
    const ring = keyRingFromDocument(document);
    expect(ring.find('good')?.key.equals(createPublicKey({ key: good, format: 'jwk' }))).toBe(true);
    expect(() => ring.signing).toThrow();
  });

  it.each<[string, unknown, RegExp]>([
    ['text that is not JSON', '{"keys":[secret', /^jwks\.document: is not JSON$/],
    ['no key set', {}, /is not a key set/],
    ['no keys', { keys: [] }, /has no keys/],
    ['a key that cannot be used, in addition to a good one', { keys: [good, jwk(weakRsa.publicKey)] }, /keys\[1\].*2048/],
  ])('refuses %s', (_, document, message) => {
    expect(() => keyRingFromDocument(document)).toThrow(
      expect.objectContaining({ option: 'jwks.document', message: expect.stringMatching(message) }),
    );
  });
});
