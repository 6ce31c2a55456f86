import { Logger } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { randomUUID } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { Duration } from '../duration.js';
import { parseDuration } from '../duration.js';
import type { RevocationList } from '../revocation/revocation-list.js';
import { TokenInvalid, TokenMalformed, TokenRevoked } from '../errors/token.errors.js';
import type { AccessTokenClaims } from './access-token.claims.js';
import { deeplyFrozen, isSessionId, ownClaims, requireSubject } from './access-token.claims.js';
import type { AccessTokenVerifier } from './access-token.verifier.js';
import type { TokenAlgorithm } from '../keys/key.options.js';
import type { KeyRing, VerificationKey } from '../keys/key-ring.js';
import type { RecalledToken, VerifiedTokenCache } from './verified-token.cache.js';

/** How access tokens are minted. Spans are milliseconds, whole seconds. */
export interface MintingTerms {
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly lifetimeMs: number;
  readonly maxLifetimeMs: number;
  /** Share of the lifetime by which a token's is shortened at most. */
  readonly jitter: number;
}

/** What {@link AccessTokenService.sign} writes beside the subject. */
export interface SignOptions {
  /** The session (`sid`) that the token belongs to: it dies with that session. */
  sessionId: string;
  /** The application's own claims; reserved names are refused. */
  claims?: object;
  /** Lifetime of this token, without jitter, at most `access.maxLifetime`. @defaultValue `access.lifetime`, shortened by the jitter */
  lifetime?: Duration;
  /**
   * Instant at which the user authenticated (`auth_time`), epoch milliseconds, for example `SessionInfo.authTime`. A route with `@Fresh()`
   * refuses a token without it. @defaultValue none is written
   */
  authTime?: number;
}

/** A minting that a session dates. */
export interface Minting {
  readonly subject: string;
  readonly sessionId: string;
  /** Checked already. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Instant of the minting, epoch milliseconds. */
  readonly at: number;
  /** Instant of the sign-in, epoch milliseconds; undefined: the token does not tell. */
  readonly authTime: number | undefined;
  readonly lifetimeMs: number;
}

/** In 1973. What lies before it is seconds, taken for milliseconds. */
const EARLIEST_AUTH_TIME = 100_000_000_000;
/** The clocks of nodes and stores differ by this at the most, milliseconds. */
const CLOCK_SKEW_MS = 300_000;
/** Characters of an access token above which a refreshed response may not fit into a proxy's buffer for headers (nginx: 4 or 8 kB). */
const LONG_TOKEN = 3_000;

/** The parts that an {@link AccessTokenService} is composed of. */
export interface AccessTokenParts {
  readonly terms: MintingTerms;
  readonly ring: KeyRing;
  readonly verifier: AccessTokenVerifier;
  /** null: every token is verified in full, every time. */
  readonly cache: VerifiedTokenCache | null;
  readonly revocations: RevocationList;
  readonly clock: Clock;
}

/**
 * Mints and verifies access tokens: JWTs of the type `at+jwt` (RFC 9068). Stateless; revocation is looked up in memory, or in the
 * store with `revocation: 'strict'`.
 */
export class AccessTokenService {
  private readonly jwt = new JwtService();
  private readonly logger = new Logger('TokenModule');
  private hasWarned = false;

  constructor(private readonly parts: AccessTokenParts) {}

  /**
   * Signs an access token for a session.
   * @throws {TypeError} on a subject that is not plain text, no session id, a reserved or oversized claim, a lifetime out of range, or an
   * `authTime` that is no instant up to now.
   */
  sign(subject: string, { sessionId, claims = {}, lifetime, authTime }: SignOptions): string {
    requireSubject(subject);
    if (!isSessionId(sessionId)) throw new TypeError('sessionId: not the id of a session');
    const at = this.parts.clock.now();
    if (authTime !== undefined) requireAuthTime(authTime, at);
    const lifetimeMs = lifetime === undefined ? this.jitteredLifetime() : this.askedLifetime(lifetime);
    return this.mint({ subject, sessionId, claims: ownClaims(claims), at, authTime, lifetimeMs }).token;
  }

  /**
   * Verifies an access token in full, or recalls that it has been: signature, type, claims, times, revocation.
   * Does not ask `loadUser`.
   * @returns the claims, deeply frozen.
   * @throws {TokenError} `token_too_large`, `token_malformed`, `token_invalid`, `token_type_mismatch`, `token_expired`, `token_not_yet_valid`,
   * `token_revoked`, and with `revocation: 'strict'` `store_unavailable`.
   */
  async verify(token: string): Promise<AccessTokenClaims> {
    if (typeof token !== 'string') throw new TokenMalformed();
    const recalled = this.recall(token);
    if (recalled) return this.confirmed(recalled.claims);
    const key = this.keyFor(token);
    return this.accept(token, this.verifySignature(token, key));
  }

  /**
   * Refuses a verify-only key of this node from now on, its cached tokens included. To retire it everywhere, deploy without it.
   * @throws {RangeError} when it is the signing key.
   */
  retireKey(kid: string): void {
    this.parts.ring.retire(kid);
  }

  /** A token that has been verified before, with time, key and revocation looked at now; undefined: verify it. No I/O, at most one hash. */
  recall(token: string): RecalledToken | undefined {
    const { cache, ring, revocations, verifier, clock } = this.parts;
    const instant = performance.now();
    const known = cache?.get(token, instant);
    if (!known || !ring.verifies(known.key) || !revocations.isCurrent(instant) || revocations.has(known.claims.sid)) return undefined;
    return verifier.judgeTimes(known.claims, clock.now()) ? undefined : known;
  }

  /** Algorithms of the key ring, each once. */
  get algorithms(): TokenAlgorithm[] {
    return this.parts.ring.algorithms;
  }

  /** Everything before the signature. @see AccessTokenVerifier.keyFor */
  keyFor(token: string): VerificationKey {
    return this.parts.verifier.keyFor(token);
  }

  /**
   * Everything after the signature: claims, times, revocation. Remembers the token. A node that was frozen or idle reads first what has
   * been revoked meanwhile.
   */
  async accept(token: string, payload: unknown): Promise<AccessTokenClaims> {
    const { verifier, revocations, cache, clock } = this.parts;
    const now = clock.now();
    const key = this.keyFor(token);
    const claims = verifier.accept(payload, now);
    if (!revocations.isCurrent(performance.now())) await revocations.catchUp();
    if (revocations.has(claims.sid)) throw new TokenRevoked(claims.sid);
    cache?.set(token, { claims, key }, now);
    return this.confirmed(claims);
  }

  /** Whether the store must be asked about every request (`revocation: 'strict'`). */
  get isStrict(): boolean {
    return this.parts.revocations.isStrict;
  }

  /** The claims, once the store has said that their session lives; at once unless `revocation` is `'strict'`. */
  async confirmed(claims: AccessTokenClaims): Promise<AccessTokenClaims> {
    if (this.isStrict) await this.parts.revocations.confirm(claims.sid);
    return claims;
  }

  /** The default lifetime of one token in milliseconds: shortened at random, so that nodes and thieves do not march in step. */
  jitteredLifetime(): number {
    const { lifetimeMs, jitter } = this.parts.terms;
    return lifetimeMs * (1 - Math.random() * jitter);
  }

  /** Signs what has been checked. @returns the token and its claims. */
  mint({ subject, sessionId, claims, at, authTime, lifetimeMs }: Minting): { token: string; claims: AccessTokenClaims } {
    const { terms, ring } = this.parts;
    const iat = Math.floor(at / 1_000);
    const [only, ...more] = terms.audience;
    const payload = deeplyFrozen({
      ...claims,
      iss: terms.issuer,
      sub: subject,
      aud: more.length === 0 && only !== undefined ? only : terms.audience,
      iat,
      exp: Math.max(iat + 1, Math.floor((at + lifetimeMs) / 1_000)),
      jti: randomUUID(),
      sid: sessionId,
      ...(authTime !== undefined && { auth_time: Math.floor(authTime / 1_000) }),
    });
    const { kid, algorithm, signingKey } = ring.signing;
    const header = { alg: algorithm, typ: 'at+jwt', kid };
    const token = this.jwt.sign({ ...payload }, { secret: signingKey as never, algorithm, header });
    if (token.length > LONG_TOKEN) this.warnOfLength(token.length);
    return { token, claims: payload };
  }

  /** Warns once: a long token fails behind a proxy only when a request refreshes, which is long after the deployment. */
  private warnOfLength(length: number): void {
    if (this.hasWarned) return;
    this.hasWarned = true;
    const remedy = 'write fewer claims, or enlarge the buffer that your proxy has for response headers (nginx: proxy_buffer_size)';
    this.logger.warn(`an access token is longer than 3,000 characters (${length}): ${remedy}`);
  }

  private askedLifetime(lifetime: Duration): number {
    const asked = parseDuration(lifetime);
    if (asked < 1_000 || asked > this.parts.terms.maxLifetimeMs || asked % 1_000 !== 0) {
      throw new TypeError('lifetime: not a whole number of seconds from 1 s to access.maxLifetime');
    }
    return asked;
  }

  private verifySignature(token: string, { key, algorithm }: VerificationKey): unknown {
    try {
      return this.jwt.verify<object>(token, {
        secret: key as never,
        algorithms: [algorithm],
        ignoreExpiration: true,
        ignoreNotBefore: true,
      });
    } catch {
      // jsonwebtoken's message may quote claims.
      throw new TokenInvalid();
    }
  }
}

function requireAuthTime(authTime: number, now: number): void {
  if (!Number.isInteger(authTime) || authTime < EARLIEST_AUTH_TIME || authTime > now + CLOCK_SKEW_MS) {
    throw new TypeError('authTime: not an instant up to now, in epoch milliseconds');
  }
}
