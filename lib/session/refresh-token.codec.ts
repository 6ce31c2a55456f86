import type { KeyObject } from 'node:crypto';
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { DerivedKeyRing } from '../keys/derived-keys.js';
import { lengthPrefixed } from '../keys/length-prefixed.js';
import type { RefreshTokenPosition } from './token-session.js';

/** An authentic refresh token, taken apart. */
export interface DecodedRefreshToken extends RefreshTokenPosition {
  /** 128 random bits, which stay the same for the whole life of the session. They are never stored and never logged. */
  readonly secret: Buffer;
  /** The session id that the secret hashes to. */
  readonly sessionId: string;
}

const PREFIX = 'ntr_';
const VERSION = 1;
const FORM = /^ntr_[A-Za-z0-9_-]{52}$/;
const LABEL = 'nestjs-token/refresh/1';
const SECRET_AT = 2;
const GENERATION_AT = 18;
const BRANCH_AT = 22;
const MAC_AT = 23;
/** The largest generation. The column is a signed 32-bit integer, and a successor must fit. */
const LAST_GENERATION = 2 ** 31 - 2;

/**
 * Encodes and decodes refresh tokens. They consist of `ntr_` and 52 base64url characters, which stand for version(1) kid(1) secret(16)
 * generation(4) branch(1) mac(16) (docs/rotation.md §1). Any node can compute any successor. A token that is not authentic is refused by
 * its MAC, without a query.
 */
export class RefreshTokenCodec {
  private readonly context: Buffer;

  /** @param realm name of the module instance. It does not accept the tokens of another instance. */
  constructor(
    realm: string,
    private readonly ring: DerivedKeyRing,
  ) {
    this.context = Buffer.concat([LABEL, realm].map(lengthPrefixed));
  }

  /** Makes a new session's secret, and the id that it hashes to. */
  newSession(): { secret: Buffer; sessionId: string } {
    const secret = randomBytes(16);
    return { secret, sessionId: sessionIdOf(secret) };
  }

  /** Returns the token at a position of the session with this secret. */
  encode(secret: Buffer, position: RefreshTokenPosition): string {
    const { kid, key } = this.ring.signing;
    const bytes = Buffer.alloc(MAC_AT);
    bytes.writeUInt8(VERSION, 0);
    bytes.writeUInt8(kid, 1);
    secret.copy(bytes, SECRET_AT);
    bytes.writeUInt32BE(position.generation, GENERATION_AT);
    bytes.writeUInt8(position.branch, BRANCH_AT);
    return PREFIX + Buffer.concat([bytes, this.mac(key, bytes)]).toString('base64url');
  }

  /** Decodes a token. Returns null if it is not an authentic token of this instance. Compares in constant time. */
  decode(token: string): DecodedRefreshToken | null {
    if (!FORM.test(token)) return null;
    const bytes = Buffer.from(token.slice(PREFIX.length), 'base64url');
    const key = this.ring.verifying.get(bytes.readUInt8(1))?.key;
    if (bytes.readUInt8(0) !== VERSION || !key) return null;
    if (!timingSafeEqual(this.mac(key, bytes.subarray(0, MAC_AT)), bytes.subarray(MAC_AT))) return null;
    const generation = bytes.readUInt32BE(GENERATION_AT);
    if (generation > LAST_GENERATION) return null;
    const secret = bytes.subarray(SECRET_AT, GENERATION_AT);
    return { secret, sessionId: sessionIdOf(secret), generation, branch: bytes.readUInt8(BRANCH_AT) };
  }

  private mac(key: KeyObject, bytes: Buffer): Buffer {
    return createHmac('sha256', key).update(this.context).update(bytes).digest().subarray(0, 16);
  }
}

/** Returns the session id of a secret: the first 128 bits of SHA-256 with the version-8 and variant bits set (RFC 9562 §5.8). */
export function sessionIdOf(secret: Buffer): string {
  const id = createHash('sha256').update(secret).digest().subarray(0, 16);
  id.writeUInt8((id.readUInt8(6) & 0x0f) | 0x80, 6);
  id.writeUInt8((id.readUInt8(8) & 0x3f) | 0x80, 8);
  return id.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
