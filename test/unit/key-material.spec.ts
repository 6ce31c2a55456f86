import { describe, expect, it } from '@jest/globals';
import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { deriveKey, readAsymmetricKey, readSecret } from '../support/lib.js';
import { SECRET } from '../support/app.js';
import { findLeaks } from '../support/leaks.js';
import { refusalOf } from '../support/option-refusal.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const rsaPublicPem = rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString();
const rsaPrivatePem = rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();

describe('readSecret', () => {
  describe('KY-01 refuses what is missing, short or can be guessed, names the option and the remedy', () => {
    it.each<[title: string, secret: unknown, message: RegExp]>([
      ['undefined', undefined, /is undefined.*environment variable/],
      ['null', null, /is null.*environment variable/],
      ['empty text', '', /is empty.*environment variable/],
      ['a number', 12_345, /neither text/],
      ['an object', {}, /neither text/],
      ['a Uint8Array that is no Buffer', new Uint8Array(32), /neither text/],
      ['an empty Buffer', Buffer.alloc(0), /has 0 bytes, needs at least 32/],
      ['31 bytes of text', SECRET.slice(0, 31), /has 31 bytes, needs at least 32/],
      ['31 random bytes', randomBytes(31), /has 31 bytes, needs at least 32/],
      ['a KeyObject of 31 bytes', createSecretKey(randomBytes(31)), /has 31 bytes, needs at least 32/],
      ['the text undefined', 'undefined', /has 9 bytes/],
      ['the text [object Object]', '[object Object]', /has 15 bytes/],
      ['32 NUL bytes', Buffer.alloc(32), /can be guessed/],
      ['one letter 64 times', 'a'.repeat(64), /can be guessed/],
      ['seven letters in turn', 'abcdefg'.repeat(10), /can be guessed/],
      ['a placeholder', 'your-256-bit-secret-your-256-bit-secret', /can be guessed/],
      ['another placeholder', 'changeme-changeme-changeme-changeme', /can be guessed/],
      ['change_me', 'CHANGE_ME_0123456789_abcdefghijklmnop', /can be guessed/],
      ['a password', 'MyPassword1234567890MyPassword1234567890', /can be guessed/],
      ['supersecret', 'this-is-my-supersecret-jwt-secret-2026', /can be guessed/],
    ])('KY-01 refuses %s', (_, secret, message) => {
      const error = refusalOf(() => readSecret('refresh.secret', secret));
      expect(error).toMatchObject({ option: 'refresh.secret', message: expect.stringMatching(message) });
      expect(error.message).toMatch(/environment variable|randomBytes|a Buffer|keys/);
    });

    it.each([
      ['HS256', 32],
      ['HS384', 48],
      ['HS512', 64],
    ])('KY-01 wants as many bytes as the hash of %s has: %i', (_, bytes) => {
      expect(refusalOf(() => readSecret('secret', randomBytes(bytes - 1), bytes)).message).toContain(`needs at least ${bytes}`);
      expect(readSecret('secret', Buffer.from([...Array(bytes).keys()]), bytes).key.symmetricKeySize).toBe(bytes);
    });

    it('KY-01 counts bytes, not characters', () => {
      expect(readSecret('secret', 'äöüßéèêàçñøåœæÿżł').key.symmetricKeySize).toBe(34);
    });
  });

  describe('KY-01 warns of a secret with few distinct bytes', () => {
    it('KY-01 warns of 19 distinct bytes and names the option, not the secret', () => {
      const secret = 'abcdefghijklmnopqrs'.repeat(2);
      const { warning } = readSecret('secret', secret);
      expect(warning).toMatch(/^secret has only 19 distinct bytes; make one with/);
      expect(findLeaks(warning!, [secret])).toEqual([]);
    });

    it('KY-01 is silent on 20 distinct bytes', () => {
      expect(readSecret('secret', 'abcdefghijklmnopqrst'.repeat(2)).warning).toBeNull();
    });

    it('KY-01 is silent on 32 random bytes in hex', () => {
      expect(readSecret('secret', '0123456789abcdef'.repeat(4)).warning).toBeNull();
    });
  });

  describe('KY-03 refuses asymmetric key material in every spelling', () => {
    const jwk = rsa.publicKey.export({ format: 'jwk' });
    it.each<[title: string, secret: unknown]>([
      ['an SPKI PEM', rsaPublicPem],
      ['a private PEM', rsaPrivatePem],
      ['a PKCS#1 PEM', rsa.publicKey.export({ format: 'pem', type: 'pkcs1' })],
      ['a SEC1 PEM', ec.privateKey.export({ format: 'pem', type: 'sec1' })],
      ['a PEM without its last line break', rsaPublicPem.trimEnd()],
      ['a PEM with CRLF', rsaPublicPem.replaceAll('\n', '\r\n')],
      ['a PEM with literal \\n', rsaPublicPem.replaceAll('\n', '\\n')],
      ['a PEM after a blank', ` ${rsaPublicPem}`],
      ['a PEM after a line break', `\n${rsaPublicPem}`],
      ['a PEM in quotes', JSON.stringify(rsaPublicPem)],
      ['a PEM in a Buffer', Buffer.from(rsaPublicPem)],
      ['a PEM in a secret KeyObject', createSecretKey(Buffer.from(rsaPublicPem))],
      ['a certificate', '-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUAAAA\n-----END CERTIFICATE-----\n'],
      ['an SPKI DER', rsa.publicKey.export({ format: 'der', type: 'spki' })],
      ['a PKCS#1 DER', rsa.publicKey.export({ format: 'der', type: 'pkcs1' })],
      ['a private PKCS#1 DER', rsa.privateKey.export({ format: 'der', type: 'pkcs1' })],
      ['a PKCS#8 DER', ec.privateKey.export({ format: 'der', type: 'pkcs8' })],
      ['a SEC1 DER', ec.privateKey.export({ format: 'der', type: 'sec1' })],
      ['an EC SPKI DER', ec.publicKey.export({ format: 'der', type: 'spki' })],
      ['a DER in a secret KeyObject', createSecretKey(rsa.publicKey.export({ format: 'der', type: 'spki' }))],
      ['a JWK as text', JSON.stringify(jwk)],
      ['a JWK as indented text after a blank', ` ${JSON.stringify(jwk, null, 2)}`],
      ['a JWK', jwk],
      ['an SSH key', 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 user@host'],
      ['a public KeyObject', rsa.publicKey],
      ['a private KeyObject', rsa.privateKey],
    ])('KY-03 refuses %s', (_, secret) => {
      const error = refusalOf(() => readSecret('secret', secret));
      expect(error.option).toBe('secret');
      expect(error.message).toMatch(/give it in `keys` with its algorithm|neither text/);
      expect(findLeaks(error.message, [rsaPublicPem.slice(60, 200), rsaPrivatePem.slice(60, 200), jwk.n!])).toEqual([]);
    });
  });

  it.each([0x7b, 0x30, 0x20])('KY-03 takes random bytes that begin with 0x%p for what they are', (first) => {
    const bytes = Buffer.from([first, 0x7b, ...Array(62).keys()]);
    expect(readSecret('secret', bytes).key.export()).toEqual(bytes);
  });

  it('KY-03 gives text, its bytes and a KeyObject of them as one key, made once', () => {
    const keys = [SECRET, Buffer.from(SECRET), createSecretKey(Buffer.from(SECRET))].map((secret) => readSecret('secret', secret).key);
    expect(keys.map((key) => key.export().toString())).toEqual([SECRET, SECRET, SECRET]);
  });

  it('KY-03 does not follow a Buffer that the application overwrites', () => {
    const bytes = Buffer.from(SECRET);
    const { key } = readSecret('secret', bytes);
    bytes.fill(0);
    expect(key.export().toString()).toBe(SECRET);
  });
});

describe('readAsymmetricKey', () => {
  it.each<[title: string, key: Parameters<typeof readAsymmetricKey>[1], use: 'sign' | 'verify']>([
    ['a private PEM to sign', rsaPrivatePem, 'sign'],
    ['a PKCS#1 PEM to sign', rsa.privateKey.export({ format: 'pem', type: 'pkcs1' }), 'sign'],
    ['a public PEM to verify', rsaPublicPem, 'verify'],
    ['a public PEM with CRLF', rsaPublicPem.replaceAll('\n', '\r\n'), 'verify'],
    ['a PEM in a Buffer', Buffer.from(rsaPublicPem), 'verify'],
    ['a private JWK to sign', ec.privateKey.export({ format: 'jwk' }), 'sign'],
    ['a public JWK to verify', ec.publicKey.export({ format: 'jwk' }), 'verify'],
    ['a private KeyObject to sign', ec.privateKey, 'sign'],
  ])('KY-03 reads %s', (_, key, use) => {
    expect(readAsymmetricKey('keys[0].key', key, use).type).toBe(use === 'sign' ? 'private' : 'public');
  });

  it.each<[title: string, key: unknown]>([
    ['a PEM with literal \\n', rsaPublicPem.replaceAll('\n', '\\n')],
    ['a PEM after a blank', ` ${rsaPublicPem}`],
    ['a PEM without armour', rsaPublicPem.split('\n').slice(1, -2).join('\n')],
    ['a DER', rsa.publicKey.export({ format: 'der', type: 'spki' })],
    ['a JWK as text', JSON.stringify(rsa.publicKey.export({ format: 'jwk' }))],
    ['a truncated PEM', rsaPublicPem.slice(0, 120)],
    ['a JWK without a modulus', { kty: 'RSA', e: 'AQAB' }],
    ['a symmetric JWK', { kty: 'oct', k: randomBytes(32).toString('base64url') }],
    ['a secret', SECRET],
    ['an object', {}],
    ['a number', 5],
  ])('KY-03 refuses %s and says what it takes, without quoting it', (_, key) => {
    const error = refusalOf(() => readAsymmetricKey('keys[0].key', key as string, 'verify'));
    expect(error).toMatchObject({
      option: 'keys[0].key',
      message: expect.stringMatching(/cannot be read; give PEM text with real line breaks/),
    });
    expect(findLeaks(error.message, [rsaPublicPem.slice(60, 200), SECRET])).toEqual([]);
    expect(error.cause).toBeUndefined();
  });

  it.each<[title: string, key: Parameters<typeof readAsymmetricKey>[1], use: 'sign' | 'verify', message: RegExp]>([
    ['a private key to verify', rsaPrivatePem, 'verify', /is a private key; use: 'verify' takes the public one/],
    ['a private JWK to verify', rsa.privateKey.export({ format: 'jwk' }), 'verify', /is a private key/],
    ['a private KeyObject to verify', ec.privateKey, 'verify', /is a private key/],
    ['a public key to sign', rsaPublicPem, 'sign', /is a public key; use: 'sign' takes the private one/],
    ['a secret KeyObject to sign', createSecretKey(randomBytes(32)), 'sign', /is a secret key/],
  ])('KY-02 refuses to read %s', (_, key, use, message) => {
    expect(refusalOf(() => readAsymmetricKey('keys[0].key', key, use)).message).toMatch(message);
  });
});

describe('deriveKey', () => {
  const secret = createSecretKey(Buffer.from(SECRET));

  it('KY-07 gives every purpose, issuer and realm 256 bits of their own', () => {
    const purposes = [
      ['access', 'i', 'r'],
      ['refresh', 'i', 'r'],
      ['access', 'i', 's'],
      ['access', 'j', 'r'],
      ['access', 'ir', ''],
      ['access', '', 'ir'],
    ];
    const keys = purposes.map((purpose) => deriveKey(secret, ...purpose).toString('hex'));
    expect(new Set([...keys, Buffer.from(SECRET).toString('hex')]).size).toBe(purposes.length + 1);
    expect(keys.every((key) => key.length === 64)).toBe(true);
  });

  it('KY-07 gives the same bits every time', () => {
    expect(deriveKey(secret, 'a', 'b')).toEqual(deriveKey(secret, 'a', 'b'));
  });
});
