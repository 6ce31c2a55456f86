import type { KeyObject } from 'node:crypto';
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import type { TokenKey } from 'nestjs-token';

export const SECRET = 'fuzz-kN3vQ8sLx2Rf7WzYp5TcHd9Jm4Gb6Ua1';
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ED = generateKeyPairSync('ed25519');
const RSA = generateKeyPairSync('rsa', { modulusLength: 2_048 });

/** The keys of the applications with key pairs. */
export const KEYS: Record<'ec' | 'ed', TokenKey[]> = {
  ec: [
    { kid: 'ec', algorithm: 'ES256', key: EC.privateKey, use: 'sign' },
    { kid: 'rsa', algorithm: 'RS256', key: RSA.publicKey, use: 'verify' },
  ],
  ed: [
    { kid: 'ed', algorithm: 'EdDSA', key: ED.privateKey, use: 'sign' },
    { kid: 'ec', algorithm: 'ES256', key: EC.publicKey, use: 'verify' },
  ],
};

const OWN = [createSecretKey(Buffer.from(SECRET)), EC.privateKey, ED.privateKey, RSA.privateKey];

/** What signs tokens of the applications. A forger who had them could still not send a wrong form. */
export function jwtKeys(): readonly KeyObject[] {
  return OWN;
}
