import type { KeyObject } from 'node:crypto';
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import type { DerivedKeyRing } from '../keys/derived-keys.js';
import { lengthPrefixed } from '../keys/length-prefixed.js';

const FORM = /^ntc_[A-Za-z0-9_-]{44}$/;
const PREFIX = 'ntc_';
const MAC_AT = 17;
/** Bounds what is remembered of tokens that were verified. */
const MAX_KNOWN = 10_000;

/**
 * Returns what the CSRF tokens of a caller are bound to: the session, or without sessions the sign-in, which is a subject and an instant.
 * It stays the same when an access token is replaced.
 */
export function csrfOwnerOf({ sid, sub, auth_time: authTime = 0 }: Pick<AccessTokenClaims, 'sid' | 'sub' | 'auth_time'>): string {
  return sid ?? `${authTime}:${sub}`;
}

/**
 * Issues and verifies CSRF tokens: `ntc_` and 44 base64url characters, which stand for kid(1) random(16) mac(16). The MAC binds a token to
 * its owner ({@link csrfOwnerOf}), so that nobody can use a token of another session, or one that was made up.
 */
export class CsrfTokens {
  /** The owners of tokens that were verified, because a browser sends the same cookie with every request. */
  readonly #known = new Map<string, string>();

  /** @param ring keys that are derived for this purpose alone. */
  constructor(private readonly ring: DerivedKeyRing) {}

  /** Issues a token for an owner. */
  issue(owner: string): string {
    const { kid, key } = this.ring.signing;
    const bytes = Buffer.concat([Buffer.from([kid]), randomBytes(MAC_AT - 1)]);
    return PREFIX + Buffer.concat([bytes, mac(key, bytes, owner)]).toString('base64url');
  }

  /** Tells whether a token was issued for an owner. It compares in constant time. */
  verify(token: string | undefined, owner: string): boolean {
    if (token === undefined) return false;
    const known = this.#known.get(token);
    if (known !== undefined) return known === owner;
    if (!FORM.test(token)) return false;
    const bytes = Buffer.from(token.slice(PREFIX.length), 'base64url');
    const key = this.ring.verifying.get(bytes.readUInt8(0))?.key;
    if (!key || !timingSafeEqual(mac(key, bytes.subarray(0, MAC_AT), owner), bytes.subarray(MAC_AT))) return false;
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(token, owner);
    return true;
  }
}

function mac(key: KeyObject, bytes: Buffer, owner: string): Buffer {
  return createHmac('sha256', key).update(lengthPrefixed(owner)).update(bytes).digest().subarray(0, 16);
}
