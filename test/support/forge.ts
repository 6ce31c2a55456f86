import type { KeyObject } from 'node:crypto';
import { constants, createHmac, createPrivateKey, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { SECRET } from './app.js';

export type Members = Record<string, unknown>;
/** Takes the first two segments and returns the bytes of the third. */
export type Signer = (input: string) => Buffer;

/** Encodes text, bytes, or a value as JSON in base64url. */
export function b64(value: unknown): string {
  const bytes = Buffer.isBuffer(value) || typeof value === 'string' ? Buffer.from(value) : Buffer.from(JSON.stringify(value));
  return bytes.toString('base64url');
}

/** Decodes a segment and parses its JSON. */
export function decoded(token: string, segment: 0 | 1): Members {
  return JSON.parse(Buffer.from(token.split('.')[segment] ?? '', 'base64url').toString()) as Members;
}

export const hmac =
  (secret: string | Buffer = SECRET, hash = 'sha256'): Signer =>
  (input) =>
    createHmac(hash, secret).update(input).digest();

export const rsa =
  (key: KeyObject, hash = 'sha256'): Signer =>
  (input) =>
    signBytes(hash, Buffer.from(input), key);

export const pss =
  (key: KeyObject, hash = 'sha256'): Signer =>
  (input) =>
    signBytes(hash, Buffer.from(input), {
      key,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    });

export const ecdsa =
  (key: KeyObject, dsaEncoding: 'ieee-p1363' | 'der' = 'ieee-p1363'): Signer =>
  (input) =>
    signBytes('sha256', Buffer.from(input), { key, dsaEncoding });

/** Makes an empty signature. */
export const nothing: Signer = () => Buffer.alloc(0);

/** The changes of a forged token. A member with the value `undefined` is left out. */
export interface Forgery {
  header?: Members;
  claims?: Members;
  sign?: Signer;
}

/** Makes tokens that differ from a good one only in what a test changes. */
export class Forge {
  /** The header of the good token. */
  readonly header: Members;
  /** The claims of the good token. */
  readonly claims: Members;

  constructor(
    readonly good: string,
    readonly sign: Signer = hmac(),
  ) {
    this.header = decoded(good, 0);
    this.claims = decoded(good, 1);
  }

  token({ header = {}, claims = {}, sign = this.sign }: Forgery = {}): string {
    return this.raw(JSON.stringify({ ...this.header, ...header }), JSON.stringify({ ...this.claims, ...claims }), sign);
  }

  /** Makes a token of this header and this payload, byte for byte. */
  raw(header: string | Buffer, payload: string | Buffer, sign: Signer = this.sign): string {
    return this.segments(b64(header), b64(payload), sign);
  }

  /** Makes a token of these two segments. */
  segments(header: string, payload: string, sign: Signer = this.sign): string {
    return `${header}.${payload}.${sign(`${header}.${payload}`).toString('base64url')}`;
  }

  /** Returns the good header as JSON, with this text before its other members. */
  headerText(members = ''): string {
    return `{${members}${JSON.stringify(this.header).slice(1)}`;
  }

  /** Returns the good payload as JSON, with the text `before` in front of its members and the text `behind` after them. */
  payloadText({ before = '', behind = '' }: { before?: string; behind?: string }): string {
    return `{${before}${JSON.stringify(this.claims).slice(1, -1)}${behind}}`;
  }
}

/** Makes a new RSA key. This takes a while, so each suite makes only one. */
export function rsaKey(): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;
}

export function ecKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
}

/** Returns the private key as PEM, which is what operators configure. */
export function pem(key: KeyObject): string {
  return createPrivateKey(key.export({ format: 'pem', type: 'pkcs8' })).export({ format: 'pem', type: 'pkcs8' }) as string;
}

/** Makes a self-signed X.509 certificate of an RSA key, in DER. node:crypto can read certificates, but cannot make them. */
export function certificate(key: KeyObject, publicKey: KeyObject): Buffer {
  const sha256WithRsa = der(0x30, Buffer.from('06092a864886f70d01010b0500', 'hex'));
  const name = der(0x30, der(0x31, der(0x30, Buffer.concat([Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from('x'))]))));
  const validity = der(0x30, Buffer.concat(['250101000000Z', '490101000000Z'].map((at) => der(0x17, Buffer.from(at)))));
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const body = der(0x30, Buffer.concat([Buffer.from('020101', 'hex'), sha256WithRsa, name, validity, name, spki]));
  const signature = der(0x03, Buffer.concat([Buffer.alloc(1), signBytes('sha256', body, key)]));
  return der(0x30, Buffer.concat([body, sha256WithRsa, signature]));
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const head = length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}
