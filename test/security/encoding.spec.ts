import { describe, expect, it } from '@jest/globals';
import { TokenModule } from 'nestjs-token';
import type { KeyObject } from 'node:crypto';
import { constants, createCipheriv, createHash, createPublicKey, privateEncrypt, publicDecrypt, randomBytes } from 'node:crypto';
import type { AdapterName } from '../support/app.js';
import { ADAPTERS, ISSUER, SECRET } from '../support/app.js';
import { b64, decoded, ecdsa, ecKey, rsa, rsaKey } from '../support/forge.js';
import type { Probe, ProbeSetup } from './probe.js';
import { accepts, exchange, probed, refuses, stillWorks, verifyRefuses } from './probe.js';

const RSA = rsaKey();
const EC = ecKey();
/** Order of the curve P-256. */
const ORDER = BigInt('0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551');
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const INVALID = { code: 'token_invalid' } as const;
const MALFORMED = { code: 'token_malformed' } as const;

const withKey = (algorithm: 'RS256' | 'ES256', key: KeyObject): ProbeSetup => ({
  options: null,
  imports: [TokenModule.forRoot({ issuer: ISSUER, keys: [{ algorithm, key, use: 'sign' }], refresh: { secret: SECRET } })],
  sign: algorithm === 'RS256' ? rsa(key) : ecdsa(key),
});

describe.each(ADAPTERS)('encoding of access tokens on %s', (adapter: AdapterName) => {
  const probe = probed(adapter);
  const good = (): string => probe().good.accessToken;

  it('ENC-01 refuses padding and the standard alphabet', async () => {
    const [header = '', payload = '', signature = ''] = good().split('.');
    const others = [`${good()}=`, `${good()}==`, `${header}=.${payload}.${signature}`, `${header}.${payload}==.${signature}`];
    for (const token of others) await refuses(probe(), token, MALFORMED);
    const standard = withCharacters(probe(), /[-_]/).replaceAll('-', '+').replaceAll('_', '/');
    await refuses(probe(), standard, MALFORMED);
  });

  it('ENC-02 refuses every other spelling of an HS256 signature', async () => {
    for (const token of spellings(good())) await refuses(probe(), token, MALFORMED);
    expect(spellings(good())).toHaveLength(3);
  });

  it('ENC-07 refuses a re-encoded payload under a new MAC', async () => {
    const { forge } = probe();
    const claims = paddedTo(forge.claims, 1);
    for (const payload of spellings(b64(claims))) await refuses(probe(), forge.segments(b64(forge.header), payload), MALFORMED);
    await accepts(probe(), forge.segments(b64(forge.header), b64(claims)));
    for (const header of spellings(b64(paddedTo(forge.header, 2)))) await refuses(probe(), forge.segments(header, b64(claims)));
  });

  it('ENC-08 refuses white space and other bytes around the token and in it', async () => {
    const [header = '', payload = '', signature = ''] = good().split('.');
    for (const extra of [' ', '\t', '\n', '\r\n', '\0', '\u00a0', '\ufeff']) {
      for (const token of [extra + good(), good() + extra]) await verifyRefuses(probe(), token, 'token_malformed');
    }
    await verifyRefuses(probe(), `${header}. ${payload}. ${signature}`, 'token_malformed');
    await refuses(probe(), `${header}. ${payload}. ${signature}`, MALFORMED);
    for (const extra of [' ', '\t', '\u00a0']) await refuses(probe(), extra + good(), MALFORMED);
    await refuses(probe(), `${good()}\u00a0`, MALFORMED);
    for (const extra of ['\0', '\n']) {
      const answer = await exchange(
        probe().port,
        `GET /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${good()}${extra}\r\n\r\n`,
      );
      expect(answer.status).toBe(400);
    }
    await stillWorks(probe());
  });

  it.each(['a', 'a.b', 'a.b.c.d', 'a.b.c.d.e', 'a.b.c.d.e.f', '..', '.', '...', 'a..b', 'a.b.', '.a.b', 'aa.bb.', '-.-.-'])(
    'ENC-09 refuses what is not three segments: %s',
    async (token) => {
      await refuses(probe(), token, MALFORMED);
    },
  );

  it('ENC-09 refuses a good token with a segment less or more', async () => {
    const segments = good().split('.');
    const others = [
      segments.slice(0, 1),
      segments.slice(0, 2),
      [...segments, 'AAAA'],
      [...segments, ...segments.slice(1)],
      [...segments, ...segments],
    ];
    for (const list of others) await refuses(probe(), list.join('.'), MALFORMED);
    await refuses(probe(), `${segments[0]!}..${segments[2]!}`, MALFORMED);
  });

  it('ENC-10 refuses an encrypted token under the same secret', async () => {
    const iv = randomBytes(12);
    const header = b64({ alg: 'dir', enc: 'A256GCM', typ: 'at+jwt', kid: probe().forge.header.kid });
    const cipher = createCipheriv('aes-256-gcm', createHash('sha256').update(SECRET).digest(), iv).setAAD(Buffer.from(header));
    const text = Buffer.concat([cipher.update(JSON.stringify(probe().forge.claims)), cipher.final()]);
    await refuses(probe(), [header, '', b64(iv), b64(text), b64(cipher.getAuthTag())].join('.'), MALFORMED);
  });

  it('ENC-11 refuses the JSON serializations (RFC 7515 §7.2)', async () => {
    const [header, payload, signature] = good().split('.');
    await refuses(probe(), JSON.stringify({ payload, protected: header, signature }), MALFORMED);
    await refuses(probe(), JSON.stringify({ payload, signatures: [{ protected: header, signature }] }), MALFORMED);
  });

  it('ENC-12 finds no token in other text', async () => {
    for (const token of [`{"a":"${good()}"}`, `{"a":"${good()}`, `"${good()}`, `{"":"${good()}"}`])
      await refuses(probe(), token, MALFORMED);
  });

  it('ENC-13 refuses a token with one bit flipped, whichever', async () => {
    const segments = good().split('.');
    for (const [index, segment] of segments.entries()) {
      for (const at of [0, segment.length >> 1, segment.length - 1]) {
        const flipped = ALPHABET[ALPHABET.indexOf(segment[at]!) ^ (at === segment.length - 1 ? 32 : 1)]!;
        await refuses(probe(), segments.with(index, segment.slice(0, at) + flipped + segment.slice(at + 1)).join('.'));
      }
    }
  });

  it('ENC-14 refuses parts of two tokens put together', async () => {
    const other = (await probe().refresh.signIn('bob')).accessToken;
    const [header = '', payload = ''] = other.split('.');
    const [, ours = '', signature = ''] = good().split('.');
    await accepts(probe(), other);
    await refuses(probe(), `${header}.${payload}.${signature}`, INVALID);
    await refuses(probe(), `${header}.${ours}.${other.split('.')[2]!}`, INVALID);
    const foreign = b64({ ...probe().forge.header, typ: 'AT+JWT' });
    await refuses(probe(), `${foreign}.${ours}.${signature}`, INVALID);
  });

  it('ENC-15 refuses a wrapped or repeated token', async () => {
    const wrapped = [
      `${good()}.`,
      `.${good()}`,
      `${good()}.${good()}`,
      good().replaceAll('.', '%2E'),
      `"${good()}"`,
      `'${good()}'`,
      b64(good()),
      Buffer.from(good()).toString('base64'),
    ];
    for (const token of wrapped) await refuses(probe(), token, MALFORMED);
  });

  describe('with an RS256 key', () => {
    const rs = probed(adapter, () => withKey('RS256', RSA));
    const signature = (): Buffer => Buffer.from(rs().good.accessToken.split('.')[2]!, 'base64url');
    const signed = (bytes: Buffer): string => `${rs().good.accessToken.split('.').slice(0, 2).join('.')}.${bytes.toString('base64url')}`;

    it('ENC-03 refuses the 15 other spellings of an RS256 signature', async () => {
      const others = spellings(rs().good.accessToken);
      expect(others).toHaveLength(15);
      for (const token of others) await refuses(rs(), token, MALFORMED);
    });

    it('ENC-06 refuses signatures at the edges of the modulus', async () => {
      const n = BigInt(`0x${Buffer.from(RSA.export({ format: 'jwk' }).n!, 'base64url').toString('hex')}`);
      const unreduced = BigInt(`0x${signature().toString('hex')}`) + n;
      const list = [0n, 1n, n - 1n, n, n + 1n, unreduced].map((value) => bytesOf(value, value >> 2048n ? 257 : 256));
      const zero = Buffer.alloc(1);
      const edits = [
        Buffer.concat([zero, signature()]),
        Buffer.concat([signature(), zero]),
        signature().subarray(1),
        signature().subarray(0, -1),
        zero,
      ];
      for (const bytes of [...list, ...edits]) await refuses(rs(), signed(bytes), INVALID);
    });

    it('ENC-06 refuses 213 mutations of the PKCS #1 padding', async () => {
      const padded = publicDecrypt({ key: createPublicKey(RSA), padding: constants.RSA_NO_PADDING }, signature());
      expect(padded.subarray(0, 3).toString('hex')).toBe('0001ff');
      for (let at = 1; at <= 213; at++) {
        const mutated = Buffer.from(padded);
        mutated[at]! ^= at === 1 ? 0x03 : 1 << (at % 8);
        const bytes = privateEncrypt({ key: RSA, padding: constants.RSA_NO_PADDING }, mutated);
        await refuses(rs(), signed(bytes), INVALID);
      }
    });
  });

  describe('with an ES256 key', () => {
    const es = probed(adapter, () => withKey('ES256', EC));
    const signature = (): Buffer => Buffer.from(es().good.accessToken.split('.')[2]!, 'base64url');
    const signed = (bytes: Buffer, token = es().good.accessToken): string =>
      `${token.split('.').slice(0, 2).join('.')}.${bytes.toString('base64url')}`;

    it('ENC-03 refuses the 15 other spellings of an ES256 signature', async () => {
      const others = spellings(es().good.accessToken);
      expect(others).toHaveLength(15);
      for (const token of others) await refuses(es(), token, MALFORMED);
    });

    it('ENC-04 lets the twin of an ES256 signature die with its session', async () => {
      const pair = await es().refresh.signIn('bob');
      const bytes = Buffer.from(pair.accessToken.split('.')[2]!, 'base64url');
      const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`);
      const twin = signed(Buffer.concat([bytes.subarray(0, 32), bytesOf(ORDER - s, 32)]), pair.accessToken);
      expect((await accepts(es(), twin)).sid).toBe(pair.sessionId);
      await es().refresh.signOut(pair.refreshToken);
      for (const token of [twin, pair.accessToken]) await refuses(es(), token, { code: 'token_revoked' });
    });

    it('ENC-05 refuses signatures of zeros, in DER, out of range and of other lengths', async () => {
      const input = es().good.accessToken.split('.').slice(0, 2).join('.');
      const [r, s] = [signature().subarray(0, 32), signature().subarray(32)];
      const zeros = Buffer.alloc(32);
      const order = bytesOf(ORDER, 32);
      const list = [
        Buffer.alloc(64),
        Buffer.concat([zeros, s]),
        Buffer.concat([r, zeros]),
        Buffer.from('3006020100020100', 'hex'),
        ecdsa(EC, 'der')(input),
        Buffer.concat([order, s]),
        Buffer.concat([r, order]),
        Buffer.concat([bytesOf(ORDER + 1n, 32), bytesOf(1n, 32)]),
        Buffer.alloc(64, 0xff),
        signature().subarray(0, 63),
        Buffer.concat([signature(), Buffer.alloc(1)]),
        Buffer.concat([Buffer.alloc(1), signature()]),
        Buffer.alloc(1),
      ];
      for (const bytes of list) await refuses(es(), signed(bytes), INVALID);
    });
  });
});

/** The other texts that decode to the same bytes: the last character has bits that stand for nothing. */
function spellings(text: string): string[] {
  const last = text.length - 1;
  const bytes = Buffer.from(text.slice(text.lastIndexOf('.') + 1), 'base64url');
  return Array.from(ALPHABET)
    .map((character) => text.slice(0, last) + character)
    .filter((other) => other !== text && Buffer.from(other.slice(other.lastIndexOf('.') + 1), 'base64url').equals(bytes));
}

/** The members with one more, so that their JSON has this many bytes beyond a multiple of three. */
function paddedTo(members: Record<string, unknown>, rest: 1 | 2): Record<string, unknown> {
  const candidates = ['x', 'xx', 'xxx'].map((pad) => ({ ...members, pad }));
  return candidates.find((candidate) => Buffer.byteLength(JSON.stringify(candidate)) % 3 === rest)!;
}

/** A good token in whose signature such a character stands. */
function withCharacters({ forge }: Probe, characters: RegExp): string {
  for (let attempt = 0; ; attempt++) {
    const token = forge.token({ claims: { attempt } });
    if (characters.test(token.split('.')[2]!) && decoded(token, 1).attempt === attempt) return token;
  }
}

function bytesOf(value: bigint, length: number): Buffer {
  return Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex');
}
