import { describe, expect, it } from '@jest/globals';
import { TokenModule } from 'nestjs-token';
import type { KeyObject } from 'node:crypto';
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { AdapterName } from '../support/app.js';
import { ADAPTERS, ISSUER, SECRET } from '../support/app.js';
import type { Signer } from '../support/forge.js';
import { b64, certificate, ecdsa, ecKey, hmac, nothing, pss, rsa, rsaKey } from '../support/forge.js';
import type { Probe, ProbeSetup } from './probe.js';
import { accepts, probed, refuses } from './probe.js';

const RSA = rsaKey();
const EC = ecKey();
const ED = generateKeyPairSync('ed25519').privateKey;

const eddsa =
  (key: KeyObject): Signer =>
  (input) =>
    sign(null, Buffer.from(input), key);

function withKey(algorithm: 'RS256' | 'ES256' | 'EdDSA', key: KeyObject): () => ProbeSetup {
  const signer = { RS256: rsa, ES256: ecdsa, EdDSA: eddsa }[algorithm](key);
  return () => ({
    options: null,
    imports: [TokenModule.forRoot({ issuer: ISSUER, keys: [{ algorithm, key, use: 'sign' }], refresh: { secret: SECRET } })],
    sign: signer,
  });
}

/** Every way in which a public RSA key is written down. */
function writings(key: KeyObject): Record<string, string | Buffer> {
  const spki = key.export({ format: 'pem', type: 'spki' }) as string;
  const x509 = certificate(RSA, key)
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n');
  return {
    'SPKI PEM': spki,
    'PEM without the final line feed': spki.trimEnd(),
    'PEM with CR LF': spki.replaceAll('\n', '\r\n'),
    'PEM with literal \\n': spki.replaceAll('\n', '\\n'),
    'PEM after a blank': ` ${spki}`,
    'PKCS #1 PEM': key.export({ format: 'pem', type: 'pkcs1' }),
    'SPKI DER': key.export({ format: 'der', type: 'spki' }),
    'JWK text': JSON.stringify(key.export({ format: 'jwk' })),
    'n alone': key.export({ format: 'jwk' }).n!,
    'n in bytes': Buffer.from(key.export({ format: 'jwk' }).n!, 'base64url'),
    'X.509 PEM': `-----BEGIN CERTIFICATE-----\n${x509}\n-----END CERTIFICATE-----\n`,
  };
}

describe.each(ADAPTERS)('algorithms of access tokens on %s', (adapter: AdapterName) => {
  describe('with an HS256 key', () => {
    const probe = probed(adapter);

    it('ALG-01 refuses alg none with an empty signature', async () => {
      await refuses(probe(), probe().forge.token({ header: { alg: 'none' }, sign: nothing }), { code: 'token_malformed' });
      await refuses(probe(), probe().forge.token({ header: { alg: 'none', kid: undefined }, sign: nothing }));
    });

    it('ALG-02 refuses alg none without the trailing dot', async () => {
      const token = probe().forge.token({ header: { alg: 'none' }, sign: nothing });
      await refuses(probe(), token.slice(0, -1), { code: 'token_malformed' });
    });

    it.each(['"None"', '"NONE"', '"nOnE"', '"none "', '"\\u006eone"', '"none"'])(
      'ALG-03 refuses every spelling of none: %s',
      async (alg) => {
        const { forge } = probe();
        const header = JSON.stringify({ ...forge.header, alg: 'X' }).replace('"X"', alg);
        for (const sign of [nothing, () => Buffer.from('garbage'), forge.sign]) {
          await refuses(probe(), forge.raw(header, JSON.stringify(forge.claims), sign));
        }
      },
    );

    it.each(['hs256', 'HS256 ', 'Hs256'])('ALG-04 tells the case of alg: %j', async (alg) => {
      await refuses(probe(), probe().forge.token({ header: { alg } }), { code: 'token_invalid' });
    });

    it('ALG-05 refuses a header without alg', async () => {
      await refuses(probe(), probe().forge.token({ header: { alg: undefined } }), { code: 'token_invalid' });
    });

    it.each([null, 256, true, ['HS256'], { a: 1 }, ''].map((alg) => [JSON.stringify(alg), alg]))(
      'ALG-06 refuses an alg that is no name: %s',
      async (_text, alg) => {
        await refuses(probe(), probe().forge.token({ header: { alg } }), { code: 'token_invalid' });
      },
    );

    it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('ALG-07 looks alg up in no prototype: %s', async (alg) => {
      await refuses(probe(), probe().forge.token({ header: { alg } }), { code: 'token_invalid' });
    });

    it.each(['HS512', 'HS384'])('ALG-08 refuses %s with the right secret', async (alg) => {
      const sign = hmac(SECRET, `sha${alg.slice(2)}`);
      await refuses(probe(), probe().forge.token({ header: { alg }, sign }), { code: 'token_invalid' });
      await refuses(probe(), probe().forge.token({ sign }), { code: 'token_invalid' });
    });

    it('ALG-12 refuses a MAC under the empty key', async () => {
      await refuses(probe(), probe().forge.token({ sign: hmac('') }), { code: 'token_invalid' });
      await refuses(probe(), probe().forge.token({ header: { kid: undefined }, sign: hmac('') }));
    });

    it.each(['secret', 'changeme', 'your-256-bit-secret', 'null', 'undefined', '[object Object]', '0', '\0'.repeat(32)])(
      'ALG-13 refuses a MAC under a guessed secret: %j',
      async (secret) => {
        await refuses(probe(), probe().forge.token({ sign: hmac(secret) }), { code: 'token_invalid' });
      },
    );

    it('ALG-14 refuses EdDSA, Ed25519 and ES256K', async () => {
      const ed25519 = generateKeyPairSync('ed25519').privateKey;
      const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;
      const signers: [string, Signer][] = [
        ['EdDSA', (input) => sign(null, Buffer.from(input), ed25519)],
        ['Ed25519', (input) => sign(null, Buffer.from(input), ed25519)],
        ['ES256K', ecdsa(secp256k1)],
      ];
      for (const [alg, signer] of signers)
        await refuses(probe(), probe().forge.token({ header: { alg }, sign: signer }), { code: 'token_invalid' });
    });
  });

  describe('with an RS256 key', () => {
    const probe = probed(adapter, withKey('RS256', RSA));
    const forgeries = Object.entries(writings(createPublicKey(RSA)));

    it.each(forgeries)('ALG-09 takes no public key for an HMAC secret: %s', async (_name, secret) => {
      const { forge } = probe();
      await refuses(probe(), forge.token({ header: { alg: 'HS256' }, sign: hmac(secret) }), { code: 'token_invalid' });
      await refuses(probe(), forge.token({ sign: hmac(secret) }), { code: 'token_invalid' });
      await refuses(probe(), forge.token({ header: { alg: 'HS256', kid: undefined }, sign: hmac(secret) }), { code: 'token_invalid' });
    });

    it('ALG-11 refuses PS256 and RS512 of the same key', async () => {
      await refusesAll(probe(), [
        ['PS256', pss(RSA)],
        ['RS512', rsa(RSA, 'sha512')],
        ['RS256', pss(RSA)],
        ['RS256', rsa(RSA, 'sha512')],
      ]);
    });
  });

  describe('with an ES256 key', () => {
    const probe = probed(adapter, withKey('ES256', EC));

    it('ALG-10 takes no public EC key for an HMAC secret', async () => {
      const key = createPublicKey(EC);
      const { x = '', y = '' } = key.export({ format: 'jwk' });
      const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
      const secrets = [
        key.export({ format: 'pem', type: 'spki' }),
        key.export({ format: 'der', type: 'spki' }),
        JSON.stringify(key.export({ format: 'jwk' })),
        point,
        b64(point),
      ];
      for (const secret of secrets)
        await refusesAll(probe(), [
          ['HS256', hmac(secret)],
          ['ES256', hmac(secret)],
        ]);
    });
  });

  describe('with an EdDSA key (RFC 8037)', () => {
    const probe = probed(adapter, withKey('EdDSA', ED));
    const publicKey = createPublicKey(ED);

    it('accepts the tokens of its own key', async () => {
      expect(await accepts(probe(), probe().forge.token())).toMatchObject({ sub: 'alice' });
    });

    it.each(['Ed25519', 'eddsa', 'EDDSA', 'Ed448', 'none', 'ES256'])('ALG-04 refuses the right signature under alg %s', async (alg) => {
      await refuses(probe(), probe().forge.token({ header: { alg } }), { code: 'token_invalid' });
    });

    it('ALG-10 takes no public Ed25519 key for an HMAC secret', async () => {
      const { x = '' } = publicKey.export({ format: 'jwk' });
      const secrets = [
        publicKey.export({ format: 'pem', type: 'spki' }),
        publicKey.export({ format: 'der', type: 'spki' }),
        JSON.stringify(publicKey.export({ format: 'jwk' })),
        Buffer.from(x, 'base64url'),
        x,
      ];
      for (const secret of secrets)
        await refusesAll(probe(), [
          ['HS256', hmac(secret)],
          ['EdDSA', hmac(secret)],
          ['EdDSA', hmac(secret, 'sha512')],
        ]);
    });

    it('ALG-14 refuses the signature of another key, of another curve, and of other bytes', async () => {
      await refusesAll(probe(), [
        ['EdDSA', eddsa(generateKeyPairSync('ed25519').privateKey)],
        ['EdDSA', eddsa(generateKeyPairSync('ed448').privateKey)],
        ['EdDSA', ecdsa(EC)],
        ['EdDSA', (input) => eddsa(ED)(`${input}.`)],
      ]);
    });

    it('refuses a signature that is too short, too long, all zero, or whose scalar is not reduced (RFC 8032 §5.1.7)', async () => {
      const order = 2n ** 252n + 27742317777372353535851937790883648493n;
      const unreduced = (signature: Buffer): Buffer => {
        const scalar = BigInt(`0x${Buffer.from(signature.subarray(32)).reverse().toString('hex')}`) + order;
        return Buffer.concat([signature.subarray(0, 32), Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').reverse()]);
      };
      const own = eddsa(ED);
      await refusesAll(probe(), [
        ['EdDSA', (input) => own(input).subarray(0, 63)],
        ['EdDSA', (input) => Buffer.concat([own(input), Buffer.alloc(1)])],
        ['EdDSA', () => Buffer.alloc(64)],
        ['EdDSA', (input) => unreduced(own(input))],
      ]);
    });
  });
});

async function refusesAll(probe: Probe, forgeries: readonly [alg: string, sign: Signer][]): Promise<void> {
  for (const [alg, signer] of forgeries)
    await refuses(probe, probe.forge.token({ header: { alg }, sign: signer }), { code: 'token_invalid' });
}
