import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RefreshService } from 'nestjs-token';
import { TokenModule } from 'nestjs-token';
import { createPublicKey, X509Certificate } from 'node:crypto';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { AdapterName } from '../support/app.js';
import { ADAPTERS, ISSUER, SECRET } from '../support/app.js';
import { b64, certificate, hmac, rsa, rsaKey } from '../support/forge.js';
import { accepts, probed, refuses, verifyRefuses } from './probe.js';

const OTHER_SECRET = 'Zr7Lk2Wq9Xc4Vb6Nm1Tg8Yh3Uj5Ip0Oa-another-secret';
const OLD_SECRET = 'Bd5Fs8Gj1Hk4Lz7Xv2Cn6Mq9We3Rt0Yu-retired-secret';
const ATTACKER = rsaKey();
const ATTACKER_PUBLIC = createPublicKey(ATTACKER);
const INVALID = { code: 'token_invalid' } as const;
const MALFORMED = { code: 'token_malformed' } as const;
const WRONG_TYPE = { code: 'token_type_mismatch' } as const;

const json = (value: unknown): string => JSON.stringify(value);

describe.each(ADAPTERS)('headers of access tokens on %s', (adapter: AdapterName) => {
  const probe = probed(adapter, () => ({
    imports: [TokenModule.forRoot({ name: 'admin', issuer: ISSUER, secret: SECRET })],
  }));
  let listener: Server;
  let hits = 0;
  beforeAll(async () => {
    listener = createServer((_request, response) => {
      hits++;
      response.end(json({ keys: [{ ...ATTACKER_PUBLIC.export({ format: 'jwk' }), kid: 'evil', use: 'sig' }] }));
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => listener.close(resolve)));
  const url = (): string => `http://127.0.0.1:${(listener.address() as AddressInfo).port}/jwks.json`;

  describe('kid', () => {
    it.each(['../../../../dev/null', '/dev/null', '/proc/self/environ', 'file:///dev/null'])('HDR-01 opens no file: %s', async (kid) => {
      for (const sign of [hmac(''), probe().forge.sign]) await refuses(probe(), probe().forge.token({ header: { kid }, sign }), INVALID);
    });

    it.each(["x' UNION SELECT 'k' -- ", '`id`', '*)(uid=*', "x'; DROP TABLE token_session; --", { $ne: '' }])(
      'HDR-02 asks no database: %j',
      async (kid) => {
        for (const sign of [hmac('k'), probe().forge.sign]) await refuses(probe(), probe().forge.token({ header: { kid }, sign }), INVALID);
      },
    );

    it('HDR-03 refuses the kid of an unknown key and of another instance', async () => {
      const { forge, app } = probe();
      await refuses(probe(), forge.token({ header: { kid: 'unknown' } }), INVALID);
      const admin = app.get<RefreshService>('nestjs-token:RefreshService:admin');
      const { accessToken } = await admin.signIn('alice');
      await refuses(probe(), accessToken, INVALID);
    });

    it.each(['__proto__', 'constructor', 'toString'])('HDR-04 looks up no prototype: %s', async (kid) => {
      const header = probe().forge.headerText().replace(json(probe().forge.header.kid), json(kid));
      await refuses(probe(), probe().forge.raw(header, json(probe().forge.claims)), INVALID);
    });

    it.each([7, null, ['a'], { a: 1 }, true, 'a\0b', 'a\r\nb', ''])('HDR-05 refuses a kid that is none: %j', async (kid) => {
      await refuses(probe(), probe().forge.token({ header: { kid } }), INVALID);
    });

    it('HDR-05 refuses a kid of 10 KB, and a token without one', async () => {
      await refuses(probe(), probe().forge.token({ header: { kid: 'k'.repeat(10_240) } }), { code: 'token_too_large' });
      await refuses(probe(), probe().forge.token({ header: { kid: undefined } }), INVALID);
    });
  });

  describe('with a ring of several keys', () => {
    const ring = probed(adapter, () => ({
      options: null,
      imports: [
        TokenModule.forRoot({
          issuer: ISSUER,
          keys: [
            { kid: 'a', algorithm: 'HS256', key: SECRET, use: 'sign' },
            { kid: 'b', algorithm: 'HS512', key: `${OTHER_SECRET}-${OTHER_SECRET}`, use: 'verify' },
            { kid: 'old', algorithm: 'HS256', key: OLD_SECRET, use: 'verify' },
          ],
          refresh: { secret: SECRET },
        }),
      ],
    }));
    const signB = hmac(`${OTHER_SECRET}-${OTHER_SECRET}`, 'sha512');

    it('HDR-06 refuses the kid of one key with the alg of another', async () => {
      const { forge } = ring();
      await accepts(ring(), forge.token({ header: { alg: 'HS512', kid: 'b' }, sign: signB }));
      for (const [kid, alg] of ['a HS512', 'a RS256', 'b HS256', 'b RS256'].map((pair) => pair.split(' '))) {
        for (const sign of [hmac(), hmac(SECRET, 'sha512'), signB, rsa(ATTACKER)]) {
          await refuses(ring(), forge.token({ header: { kid, alg }, sign }), INVALID);
        }
      }
    });

    it('HDR-03 refuses the kid of a key that has been retired, known tokens included', async () => {
      const { forge, accessTokens } = ring();
      const token = forge.token({ header: { kid: 'old' }, sign: hmac(OLD_SECRET) });
      await accepts(ring(), token);
      accessTokens.retireKey('old');
      await refuses(ring(), token, INVALID);
    });
  });

  describe('keys that a token brings along', () => {
    const jwk = { ...ATTACKER_PUBLIC.export({ format: 'jwk' }), kid: 'evil' };
    const x509 = certificate(ATTACKER, ATTACKER_PUBLIC);

    it('HDR-07 refuses an embedded jwk that signs', async () => {
      const { forge } = probe();
      for (const kid of ['evil', forge.header.kid]) {
        await refuses(probe(), forge.token({ header: { alg: 'RS256', kid, jwk }, sign: rsa(ATTACKER) }), INVALID);
      }
      await refuses(probe(), forge.token({ header: { alg: 'RS256', kid: undefined, jwk }, sign: rsa(ATTACKER) }), INVALID);
    });

    it.each(['jku', 'x5u'])('HDR-08 fetches no %s', async (member) => {
      const { forge } = probe();
      for (const kid of ['evil', forge.header.kid]) {
        await refuses(probe(), forge.token({ header: { alg: 'RS256', kid, [member]: url() }, sign: rsa(ATTACKER) }), INVALID);
      }
      expect(hits).toBe(0);
    });

    it('HDR-09 refuses a self-signed x5c chain', async () => {
      expect(new X509Certificate(x509).verify(ATTACKER_PUBLIC)).toBe(true);
      const header = { alg: 'RS256', x5c: [x509.toString('base64')], 'x5t#S256': b64('thumb') };
      await refuses(probe(), probe().forge.token({ header, sign: rsa(ATTACKER) }), INVALID);
      await refuses(probe(), probe().forge.token({ header: { ...header, kid: 'evil' }, sign: rsa(ATTACKER) }), INVALID);
    });

    it('HDR-10 refuses them under our own signature too', async () => {
      const brought = { jku: url(), jwk, x5u: url(), x5c: [x509.toString('base64')] };
      for (const [member, value] of Object.entries(brought)) {
        await refuses(probe(), probe().forge.token({ header: { [member]: value } }), INVALID);
      }
      expect(hits).toBe(0);
    });
  });

  describe('members that change what a token means', () => {
    it('HDR-11 refuses a critical extension', async () => {
      await refuses(probe(), probe().forge.token({ header: { crit: ['x'], x: 1 } }), INVALID);
    });

    it.each([[[]], ['x'], [['alg']], [['x']], [['x', 'x']], [null], [{}]])('HDR-12 refuses a malformed crit: %j', async (crit) => {
      await refuses(probe(), probe().forge.token({ header: { crit } }), INVALID);
    });

    it('HDR-13 refuses an unencoded payload (RFC 7797)', async () => {
      const { forge } = probe();
      const header = b64({ ...forge.header, b64: false, crit: ['b64'] });
      await refuses(probe(), forge.segments(header, b64(forge.claims)), INVALID);
      await refuses(probe(), forge.segments(header, json(forge.claims)), MALFORMED);
    });

    it('HDR-14 refuses b64 without crit', async () => {
      for (const value of [false, true, 'false']) await refuses(probe(), probe().forge.token({ header: { b64: value } }), INVALID);
    });

    it('HDR-15 refuses zip', async () => {
      await refuses(probe(), probe().forge.token({ header: { zip: 'DEF' } }), INVALID);
    });

    it('HDR-16 refuses members of an encrypted token', async () => {
      for (const header of [
        { enc: 'A256GCM' },
        { epk: { kty: 'EC' } },
        { alg: 'PBES2-HS256+A128KW', p2c: 2 ** 31, p2s: 'AAAA' },
        { p2c: 2 ** 31 },
      ]) {
        await refuses(probe(), probe().forge.token({ header }), INVALID);
      }
    });

    it('HDR-17 refuses a nested token', async () => {
      for (const cty of ['JWT', 'at+jwt', '']) await refuses(probe(), probe().forge.token({ header: { cty } }), INVALID);
    });
  });

  describe('typ', () => {
    it('HDR-18 refuses a token without typ (RFC 9068 §4)', async () => {
      await refuses(probe(), probe().forge.token({ header: { typ: undefined } }), WRONG_TYPE);
    });

    it('HDR-19 refuses typ JWT', async () => {
      for (const typ of ['JWT', 'jwt', '']) await refuses(probe(), probe().forge.token({ header: { typ } }), WRONG_TYPE);
    });

    it.each(['application/at+jwt', 'AT+JWT', 'Application/AT+jwt'])('HDR-20 accepts %s (RFC 7515 §4.1.9)', async (typ) => {
      await accepts(probe(), probe().forge.token({ header: { typ } }));
    });

    it.each([5, null, ['at+jwt'], 'at+jwt ', ' at+jwt', 'at+jwt\n', 'text/at+jwt', 'application/application/at+jwt'])(
      'HDR-21 refuses a typ that only resembles it: %j',
      async (typ) => {
        await refuses(probe(), probe().forge.token({ header: { typ } }), WRONG_TYPE);
      },
    );
  });

  describe('JSON', () => {
    it('HDR-22 takes the last of two members of one name, for every check', async () => {
      const { forge } = probe();
      const payload = json(forge.claims);
      await accepts(probe(), forge.raw(forge.headerText('"alg":"none",'), payload));
      const reversed = `${json(forge.header).slice(0, -1)},"alg":"none"}`;
      await refuses(probe(), forge.raw(reversed, payload), INVALID);
      await refuses(probe(), forge.raw(`${json(forge.header).slice(0, -1)},"kid":"evil"}`, payload), INVALID);
      await refuses(probe(), forge.raw(`${json(forge.header).slice(0, -1)},"typ":"JWT"}`, payload), WRONG_TYPE);
    });

    it.each(['null', '[]', '"x"', '7', '', '{', '{"alg":"HS256",}', "{'alg':'HS256'}", 'true'])(
      'HDR-23 refuses a header that is no object: %s',
      async (header) => {
        await refuses(probe(), probe().forge.raw(header, json(probe().forge.claims)), MALFORMED);
      },
    );

    it('HDR-23 refuses an empty object, a byte order mark and UTF-16', async () => {
      const { forge } = probe();
      const payload = json(forge.claims);
      await refuses(probe(), forge.raw('{}', payload), INVALID);
      await refuses(probe(), forge.raw(`\ufeff${json(forge.header)}`, payload), MALFORMED);
      await refuses(probe(), forge.raw(Buffer.from(json(forge.header), 'utf16le'), payload), MALFORMED);
      await verifyRefuses(probe(), `${json(forge.header)}.${b64(payload)}.AAAA`, 'token_malformed');
    });

    it('HDR-24 accepts insignificant white space', async () => {
      const { forge } = probe();
      for (const header of [JSON.stringify(forge.header, null, 2), ` \t\r\n${json(forge.header)}\n `]) {
        await accepts(probe(), forge.raw(header, json(forge.claims)));
      }
    });
  });
});
