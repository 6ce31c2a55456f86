import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { readSecret } from '../support/lib.js';
import { runs } from '../support/runs.js';
import { TokenOptionsError } from 'nestjs-token';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
const ed = generateKeyPairSync('ed25519');
const jwk = rsa.publicKey.export({ format: 'jwk' });
const passphrase = { cipher: 'aes-256-cbc', passphrase: 'of the test' } as const;
/** CN=test, for P-256. */
const CERTIFICATE =
  'MIIBdTCCARugAwIBAgIUEaWisztnjdCu4fLCfPpRVg3dixkwCgYIKoZIzj0EAwIwDzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjQwODE3NTlaGA8yMTI2MTAzMTA4MTc1OVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFtxqmdfoOWd6YCwqkd1xE91pvdV/wEZphC9gIeuuGowiJTRqCBUdc8fDzaycVZm9gh1wV1AI9O/2UlStbAQZY6jUzBRMB0GA1UdDgQWBBS972HeGbz6k+t+KAlnjy+arQYc8zAfBgNVHSMEGDAWgBS972HeGbz6k+t+KAlnjy+arQYc8zAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIC034iPwZRpbM7NLNeYoqpYLDX2mOO+NOq7vC/XeUpYgAiEAxCBXbXalGbO+6ckg3LUZ55BKLvLwrMjR6NNQxVV8Gjo=';
const SSH_BODY =
  'AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBAafoq1R0WEc1kLSp3l0WPz0vb3lkONGIJELedQZQJgjtAFz07Ef8vYQRPAgtRN0jyAQZb69t3z6ktBeCVs9';

/** Key material of every form, as a file or a discovery document holds it. */
const MATERIAL: Record<string, Buffer> = {
  'SPKI PEM': Buffer.from(rsa.publicKey.export({ format: 'pem', type: 'spki' })),
  'SPKI DER of RSA': rsa.publicKey.export({ format: 'der', type: 'spki' }),
  'SPKI DER of P-256': ec.publicKey.export({ format: 'der', type: 'spki' }),
  'SPKI DER of Ed25519': ed.publicKey.export({ format: 'der', type: 'spki' }),
  'PKCS#1 DER': rsa.publicKey.export({ format: 'der', type: 'pkcs1' }),
  'private PKCS#1 DER': rsa.privateKey.export({ format: 'der', type: 'pkcs1' }),
  'PKCS#8 DER': ec.privateKey.export({ format: 'der', type: 'pkcs8' }),
  'encrypted PKCS#8 DER': ec.privateKey.export({ format: 'der', type: 'pkcs8', ...passphrase }),
  'SEC1 DER': ec.privateKey.export({ format: 'der', type: 'sec1' }),
  'certificate DER': Buffer.from(CERTIFICATE, 'base64'),
  JWK: Buffer.from(JSON.stringify(jwk)),
  'JWK array': Buffer.from(JSON.stringify([jwk])),
  'JWK set': Buffer.from(JSON.stringify({ keys: [jwk] }, null, 2)),
  'JWK that is cut off': Buffer.from(JSON.stringify(jwk).slice(0, -1)),
  'ECDSA key of SSH': Buffer.from(`ecdsa-sha2-nistp256 ${SSH_BODY} user@host`),
  'Ed25519 key of SSH': Buffer.from('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5mPQ1gT8r4T3sZbW0n1o0Q7p8e'),
  'security key of SSH': Buffer.from('sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIJ'),
  'authorized_keys line with options': Buffer.from(`no-pty,no-agent-forwarding ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7`),
  'body of an SSH key': Buffer.from(SSH_BODY, 'base64'),
  'public key file of RFC 4716': Buffer.from('---- BEGIN SSH2 PUBLIC KEY ----\nAAAAB3NzaC1yc2EAAAADAQABAAABgQC7'),
  'key file of PuTTY': Buffer.from('PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none'),
  JWT: Buffer.from(`${segment({ alg: 'RS256', typ: 'JWT' })}.${segment({ sub: 'alice' })}.${randomBytes(32).toString('base64url')}`),
};

/** What may have happened to it on its way into the variable. */
const DISGUISES: Record<string, (bytes: Buffer) => string | Buffer> = {
  'as it is': (bytes) => bytes,
  'with a byte order mark': (bytes) => (isBinary(bytes) ? bytes : `\ufeff${bytes.toString()}`),
  'with white space around it': (bytes) => (isBinary(bytes) ? Buffer.concat([bytes, Buffer.from('\n')]) : ` \r\n${bytes.toString()}\n`),
  'in base64': (bytes) => bytes.toString('base64'),
  'in base64url': (bytes) => bytes.toString('base64url'),
  'in hex': (bytes) => bytes.toString('hex'),
  'in hex with colons': (bytes) => bytes.toString('hex').toUpperCase().match(/../g)!.join(':'),
  'in base64 with line breaks, in quotes': (bytes) => `"${bytes.toString('base64').replace(/.{64}/g, '$&\n')}"`,
  'in base64 with literal line breaks': (bytes) => bytes.toString('base64').replace(/.{64}/g, '$&\\n'),
  'in base64 of base64': (bytes) => Buffer.from(bytes.toString('base64')).toString('base64'),
  'in base64 of hex': (bytes) => Buffer.from(bytes.toString('hex')).toString('base64'),
  'in base64 of a JSON string': (bytes) => Buffer.from(JSON.stringify(bytes.toString('base64'))).toString('base64'),
  'in base64 in UTF-16': (bytes) => Buffer.from(`\ufeff${bytes.toString('base64')}`, 'utf16le'),
};

function isBinary(bytes: Buffer): boolean {
  return bytes[0] === 0x30 || bytes[0] === 0;
}

function segment(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

function verdict(secret: string | Buffer): string {
  try {
    readSecret('secret', secret);
    return 'accepted';
  } catch (error) {
    if (error instanceof TokenOptionsError) return error.message;
    throw error;
  }
}

describe('readSecret and key material of another kind', () => {
  it.each(Object.entries(MATERIAL))('refuses a %s in every encoding (F-10)', (_, bytes) => {
    const verdicts = Object.entries(DISGUISES).map(([title, disguise]) => `${title}: ${verdict(disguise(bytes))}`);
    expect(verdicts.filter((text) => !text.endsWith('give it in `keys` with its algorithm'))).toEqual([]);
  });

  it('refuses the one-line public key that Keycloak shows (F-10)', () => {
    const line = rsa.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
    expect(line).toMatch(/^MII[A-Za-z0-9+/]+=*$/);
    expect(verdict(line)).toMatch(/give it in `keys`/);
  });

  it.each(['{not json', '[1, 2', 'ssh-', 'a.b.c', 'ecdsa-sha2-', '0\x82'])(
    'does not take random text that begins like a key for one: %p (F-10)',
    (start) => {
      expect(verdict(start + randomBytes(48).toString('base64url'))).toBe('accepted');
    },
  );
});

describe('readSecret and samples', () => {
  it.each([
    'a-string-secret-at-least-256-bits-long',
    'a-valid-string-secret-that-is-at-least-384-bits-long',
    'a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long',
    'your-256-bit-secret-your-256-bit-secret',
    'DO NOT USE THIS VALUE. INSTEAD, CREATE A COMPLEX SECRET AND KEEP IT SAFE OUTSIDE OF THE SOURCE CODE.',
    'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
    'hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg',
    'GawgguFyGrWKav7AX4VKUg-GawgguFyGrWKav7AX4VKUg',
    '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7',
    '3EK6FD+o0+c7tzBNVfjpMkNDi2yARAAKzQlk8O2IKoxQu4nF7EdAh8s3TwpHwrdWT6R',
    'super-secret-jwt-token-with-at-least-32-characters-long',
    'reallyreallyreallyreallyverysafe',
    '255d861b-5ea1-5996-9aa3-922530ec40b1',
    '404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970',
    'THIS IS USED TO SIGN AND VERIFY JWT TOKENS, REPLACE IT WITH YOUR OWN SECRET, IT CAN BE ANY STRING',
    'secret'.padEnd(32, '0123456789'),
    'secret'.padEnd(48, 'secret'),
    'my_super_secret_jwt_key_for_development_2026',
    'shhhhh, keyboard cat, shhhhh, keyboard cat',
    'JwtSecretKeyAtLeast32CharactersLong!!!',
    'access-token-secret-change-me-in-production',
  ])('refuses %s, padded and encoded too (F-10)', (sample) => {
    const spellings = [sample, `${sample}_0123456789`, `==${sample}==`, sample.toUpperCase(), Buffer.from(sample).toString('base64')];
    expect(spellings.map(verdict).filter((text) => !text.includes('can be guessed'))).toEqual([]);
  });

  it.each([
    'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
    'hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg',
  ])('refuses the key %s of a specification as bytes and in hex (F-10)', (sample) => {
    const bytes = Buffer.from(sample, 'base64url');
    expect([verdict(bytes), verdict(bytes.toString('hex'))]).toEqual([
      expect.stringMatching(/can be guessed/),
      expect.stringMatching(/can be guessed/),
    ]);
  });

  it('judges a text that is made of words but for its end without trying every way of cutting it up (F-10)', () => {
    expect(verdict(`${'secretkeysecret'.repeat(3_000)}~zq`)).toBe('accepted');
  }, 60_000);
});

describe('readSecret and random secrets', () => {
  const encodings: Record<string, (bytes: Buffer) => string | Buffer> = {
    bytes: (bytes) => bytes,
    hex: (bytes) => bytes.toString('hex'),
    HEX: (bytes) => bytes.toString('hex').toUpperCase(),
    base64: (bytes) => bytes.toString('base64'),
    base64url: (bytes) => bytes.toString('base64url'),
    'base64 of hex': (bytes) => Buffer.from(bytes.toString('hex')).toString('base64'),
    'base64 of base64': (bytes) => Buffer.from(bytes.toString('base64')).toString('base64'),
  };

  it('accepts them in every encoding (F-10)', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(32, 33, 48, 64, 96), fc.constantFrom(...Object.keys(encodings)), (seed, length, encoding) => {
        const bytes = createHash('shake256', { outputLength: length }).update(String(seed)).digest();
        expect(verdict(encodings[encoding]!(bytes))).toBe('accepted');
      }),
      { numRuns: runs(3_000) },
    );
  });

  it('accepts bytes that begin as text, JSON, DER or a byte order mark does, whatever follows (F-10)', () => {
    const tail = createHash('shake256', { outputLength: 62 }).update('tail').digest();
    const starts = [0x00, 0x22, 0x30, 0x5b, 0x7b, 0xef, 0xfe, 0xff].flatMap((first) =>
      Array.from({ length: 256 }, (_, second) => Buffer.from([first, second])),
    );
    expect(starts.filter((start) => verdict(Buffer.concat([start, tail])) !== 'accepted')).toEqual([]);
  });
});
