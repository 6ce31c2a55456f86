import { Logger } from '@nestjs/common';
import { randomUUID } from 'node:crypto';
import type { Duration } from '../duration.js';
import { parseDuration } from '../duration.js';
import { SignerUnavailable, TokenError } from '../errors/token.errors.js';
import type { Signer } from '../keys/signer.js';
import type { AccessTokenClaims, SlidingClaim } from './access-token.claims.js';
import { audienceClaim, deeplyFrozen } from './access-token.claims.js';

/** Settings of issuing. Spans are milliseconds, in whole seconds. */
export interface IssuingSettings {
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly lifetimeMs: number;
  readonly maxLifetimeMs: number;
  /** The largest share of its lifetime by which one token is shortened at random. */
  readonly jitter: number;
}

/** The content of an access token. Everything in it has been checked already. */
export interface AccessTokenDraft {
  readonly subject: string;
  /** `undefined` if the token belongs to no session. */
  readonly sessionId: string | undefined;
  /** The claims of the application. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Instant of issuing, epoch milliseconds. */
  readonly at: number;
  /** Instant of the sign-in, epoch milliseconds. `undefined` means that the token does not contain it. */
  readonly authTime: number | undefined;
  /** Instant of the last revocation of access tokens of the session, epoch milliseconds, if there was one. */
  readonly accessEpoch?: number | null | undefined;
  /** What a token that slides says of its sign-in. */
  readonly sliding?: SlidingClaim | undefined;
  readonly lifetimeMs: number;
}

/** An access token, and the claims in it. */
export interface IssuedAccessToken {
  readonly token: string;
  /** Deeply frozen. */
  readonly claims: AccessTokenClaims;
}

/** A token of more characters may not fit into a proxy's buffer for response headers (nginx: 4 or 8 kB). */
const LONG_TOKEN = 3_000;

/** Issues access tokens: JWTs of the type `at+jwt` (RFC 9068 §2) in the compact serialisation (RFC 7515 §7.1). */
export class AccessTokenIssuer {
  private readonly logger = new Logger('TokenModule');
  /** The header is the same for all tokens of a key. It is kept out of `inspect()`, because it looks like the beginning of a token. */
  #header = { kid: '', algorithm: '', text: '' };
  private hasWarned = false;

  constructor(
    private readonly settings: IssuingSettings,
    private readonly signer: Signer,
  ) {}

  /** `kid` of the key that signs at present. */
  get kid(): string {
    return this.signer.kid;
  }

  /**
   * Issues a token.
   * @throws {SignerUnavailable} rejects with it if the signer fails.
   */
  async issue(draft: AccessTokenDraft): Promise<IssuedAccessToken> {
    const claims = this.claimsOf(draft);
    const input = `${this.header()}.${base64url(claims)}`;
    const token = `${input}.${await this.signatureOf(input)}`;
    if (token.length > LONG_TOKEN) this.warnOfLength(token.length);
    return { token, claims };
  }

  /**
   * Returns the default lifetime of one token in milliseconds. It is shortened at random, so that clients do not all refresh at the same
   * moment, and a thief does not stay in step with a victim.
   */
  jitteredLifetime(): number {
    const { lifetimeMs, jitter } = this.settings;
    return lifetimeMs * (1 - Math.random() * jitter);
  }

  /** Returns the header. The signer may change to another key between two tokens. */
  private header(): string {
    const { kid, algorithm } = this.signer;
    if (this.#header.kid !== kid || this.#header.algorithm !== algorithm) {
      this.#header = { kid, algorithm, text: base64url({ alg: algorithm, typ: 'at+jwt', kid }) };
    }
    return this.#header.text;
  }

  private async signatureOf(input: string): Promise<string> {
    try {
      return Buffer.from(await this.signer.sign(Buffer.from(input, 'latin1'))).toString('base64url');
    } catch (cause) {
      throw cause instanceof TokenError ? cause : new SignerUnavailable({ cause });
    }
  }

  private claimsOf(draft: AccessTokenDraft): AccessTokenClaims {
    const { subject, sessionId, claims, at, authTime, accessEpoch, sliding, lifetimeMs } = draft;
    const { issuer, audience } = this.settings;
    const iat = Math.floor(at / 1_000);
    const registered = {
      iss: issuer,
      sub: subject,
      aud: audienceClaim(audience),
      iat,
      exp: Math.max(iat + 1, Math.floor((at + lifetimeMs) / 1_000)),
      jti: randomUUID(),
      ...(sessionId !== undefined && { sid: sessionId }),
      ...(accessEpoch ? { sid_epoch: accessEpoch } : {}),
      ...(authTime !== undefined && { auth_time: Math.floor(authTime / 1_000) }),
      ...(sliding && { sliding }),
    };
    return deeplyFrozen(withOwnClaims(registered, claims));
  }

  /** Warns once: behind a proxy a long token fails only when a request refreshes, which is long after the deployment. */
  private warnOfLength(length: number): void {
    if (this.hasWarned) return;
    this.hasWarned = true;
    const remedy = 'write fewer claims, or enlarge the buffer that your proxy has for response headers (nginx: proxy_buffer_size)';
    this.logger.warn(`an access token is longer than 3,000 characters (${length}): ${remedy}`);
  }
}

/**
 * Adds the claims of the application. They never replace one of ours, nor a member that every object has. They are added one by one,
 * because V8 needs ten times as long to copy them and add ours.
 */
function withOwnClaims<T extends object>(claims: T, own: Readonly<Record<string, unknown>>): T {
  for (const name of Object.keys(own)) if (!(name in claims)) Object.assign(claims, { [name]: own[name] });
  return claims;
}

/**
 * Reads the lifetime that the application asks for.
 * @returns milliseconds.
 * @throws {TypeError} if it is out of range.
 */
export function askedLifetime(lifetime: Duration, { maxLifetimeMs }: Pick<IssuingSettings, 'maxLifetimeMs'>): number {
  const asked = parseDuration(lifetime);
  if (asked < 1_000 || asked > maxLifetimeMs || asked % 1_000 !== 0) {
    throw new TypeError('lifetime: not a whole number of seconds from 1 s to access.maxLifetime');
  }
  return asked;
}

/**
 * Requires that a browser stores the cookie of an access token. It silently drops one that is too large.
 * @param maxLength the largest number of characters. `Infinity` where tokens do not travel in cookies.
 * @throws {TypeError} if it is longer.
 */
export function requireStorable(token: string, maxLength: number): void {
  if (token.length <= maxLength) return;
  throw new TypeError(`claims: the access token has ${token.length} characters, and its cookie holds ${maxLength}`);
}

function base64url(json: object): string {
  return Buffer.from(JSON.stringify(json)).toString('base64url');
}
