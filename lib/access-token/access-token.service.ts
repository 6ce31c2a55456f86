import type { Clock } from '../clock.js';
import { EARLIEST_INSTANT } from '../clock.js';
import type { Duration } from '../duration.js';
import type { TokenError } from '../errors/token.errors.js';
import { TokenExpired, TokenInvalid, TokenMalformed, TokenNotYetValid, TokenOptionsError, TokenRevoked } from '../errors/token.errors.js';
import type { KeyReloader } from '../keys/key-reloader.js';
import type { JsonWebKeySet } from '../keys/key-set.js';
import { keySetOf } from '../keys/key-set.js';
import type { KeySource, VerificationKey } from '../keys/key-source.js';
import type { AccessTokenClaims } from './access-token.claims.js';
import { isSessionId, ownClaims, requireSubject } from './access-token.claims.js';
import type { AccessTokenDraft, AccessTokenIssuer, IssuedAccessToken, IssuingSettings } from './access-token.issuer.js';
import { askedLifetime } from './access-token.issuer.js';
import type { DatedClaims, VerificationSettings } from './access-token.verifier.js';
import { AccessTokenVerifier } from './access-token.verifier.js';
import type { TokenIntrospector } from './token-introspector.js';
import type { SessionDenylist } from './session-denylist.js';
import type { RecalledToken } from './verified-token.cache.js';
import { VerifiedTokenCache } from './verified-token.cache.js';

/** What {@link AccessTokenService.sign} writes in addition to the subject. */
export interface SignOptions {
  /**
   * The session (`sid`) that the token belongs to. The token is refused once that session has been revoked. Required, except in an instance
   * without sessions (`sessions: false`), which can revoke nothing.
   */
  sessionId?: string;
  /** The application's own claims. Reserved names are refused. @defaultValue none */
  claims?: object;
  /** Lifetime of this token, without jitter, at most `access.maxLifetime`. @defaultValue `access.lifetime`, shortened by the jitter */
  lifetime?: Duration;
  /**
   * Instant at which the user authenticated (`auth_time`), epoch milliseconds, for example `SessionInfo.authTime`. A route with `@Fresh()`
   * refuses a token without it. @defaultValue none is written
   */
  authTime?: number;
}

/** How access tokens are issued and verified, and how many verified ones are remembered. */
export interface AccessTokenSettings extends IssuingSettings, VerificationSettings {
  /** How many verified tokens are remembered. Null disables the cache. */
  readonly cacheMax: number | null;
}

/** What the service works with. */
export interface AccessTokenPorts {
  readonly keys: KeySource;
  /** Null if the service only verifies. */
  readonly issuer: AccessTokenIssuer | null;
  readonly denylist: SessionDenylist;
  readonly clock: Clock;
  /** Null if the service only verifies. */
  readonly reloader: KeyReloader | null;
  /** Asks another service about revocations, if the options say so. */
  readonly introspector?: TokenIntrospector | null;
  /** Observes each full verification. @defaultValue nobody observes it */
  readonly trace?: VerificationTrace;
  /** Is told the `kid` of each key that is refused from now on. @defaultValue nobody is told */
  readonly onKeyRetired?: (kid: string) => void;
}

/** Observes a verification: it calls the work once, and returns its promise or one that settles in the same way. */
export type VerificationTrace = (work: () => Promise<AccessTokenClaims>) => Promise<AccessTokenClaims>;

/** A token that has been verified before. */
export interface JudgedToken {
  readonly claims: AccessTokenClaims;
  /** The key that verified it. Absent where it is not known: it is not asked about then. */
  readonly key?: VerificationKey | undefined;
}

/** The clocks of nodes and stores differ by at most this much, in milliseconds. */
const CLOCK_SKEW_MS = 300_000;

/**
 * Issues and verifies access tokens: JWTs of the type `at+jwt` (RFC 9068). They are stored nowhere. Revocation is checked in memory, or in
 * the store with `revocation: 'strict'`.
 */
export class AccessTokenService {
  private readonly verifier: AccessTokenVerifier;
  /** Tokens that have been verified. Null means that every token is verified in full, every time. @internal */
  readonly cache: VerifiedTokenCache | null;

  /** @internal */
  constructor(
    private readonly settings: AccessTokenSettings,
    private readonly ports: AccessTokenPorts,
  ) {
    this.verifier = new AccessTokenVerifier(ports.keys, settings);
    this.cache = settings.cacheMax === null ? null : new VerifiedTokenCache(settings.cacheMax);
  }

  /**
   * Signs an access token for a session, or in an instance without sessions (`sessions: false`) for a subject alone. It asks no hooks, and
   * the token does not slide.
   * @throws {TypeError} rejects with it when the subject is no plain text, the session id is none or is missing where there are sessions, a
   * claim is reserved or too long, the lifetime is out of range, or `authTime` is no instant up to now.
   * @throws {TokenOptionsError} rejects with it if this instance only verifies (option `jwks`).
   * @example
   * const token = await accessTokens.sign('alice', { sessionId, claims: { scope: 'download' }, lifetime: '1m' });
   */
  async sign(subject: string, { sessionId, claims = {}, lifetime, authTime }: SignOptions = {}): Promise<string> {
    requireSubject(subject);
    const isSound = sessionId === undefined ? this.settings.sessionIsOptional === true : isSessionId(sessionId);
    if (!isSound) throw new TypeError('sessionId: not the id of a session');
    const { clock, denylist } = this.ports;
    const issuer = this.issuer;
    const at = clock.now();
    if (authTime !== undefined) requireAuthTime(authTime, at);
    const lifetimeMs = lifetime === undefined ? issuer.jitteredLifetime() : askedLifetime(lifetime, this.settings);
    const epoch = sessionId === undefined ? 0 : denylist.accessEpoch(sessionId);
    // A token of a session that is known to be revoked is refused anyway.
    const accessEpoch = Number.isFinite(epoch) ? epoch : 0;
    return (await issuer.issue({ subject, sessionId, claims: ownClaims(claims), at, authTime, accessEpoch, lifetimeMs })).token;
  }

  /**
   * Verifies an access token: signature, type, claims, times and revocation. For a token that was verified before, only what can have
   * changed is checked again. `loadUser` is not asked.
   * @returns the claims, deeply frozen.
   * @throws {TokenError} rejects with `token_too_large`, `token_malformed`, `token_invalid`, `token_type_mismatch`, `token_expired`,
   * `token_not_yet_valid`, `token_revoked`, and with `revocation: 'strict'` or `introspection` also with `store_unavailable`,
   * and with `jwks` also with `keys_unavailable`.
   */
  async verify(token: string): Promise<AccessTokenClaims> {
    if (typeof token !== 'string') throw new TokenMalformed();
    const known = this.known(token, performance.now());
    if (!known) return this.verifyInFull(token);
    await this.confirm(token, known.claims);
    return known.claims;
  }

  /**
   * Refuses a key on this node from now on, also for tokens that are known already. To retire it everywhere, deploy without it.
   * @param kid the `kid` of a key that only verifies. An unknown one changes nothing.
   * @throws {RangeError} if it is the key that signs.
   */
  retireKey(kid: string): void {
    const { keys, issuer } = this.ports;
    if (kid === issuer?.kid) throw new RangeError('the signing key cannot be retired; make another key sign first');
    this.tellRetired(() => keys.retire(kid));
  }

  /**
   * Calls the function that the option `keys` is, and uses the keys that it returns from then on, on this node. A key that is no longer
   * among them is refused at once, also for tokens that are known already. To replace the key that signs, reload twice: first give every
   * node the new key as `verify`, then make it `sign`.
   * @throws {TokenOptionsError} rejects with it if the new keys are refused for any reason for which the application would not start, or if
   * `keys` is no function. What the function throws is passed on. In all cases the keys stay as they were.
   * @example
   * ```ts
   * @Cron('*\/5 * * * *')
   * reload(): Promise<void> {
   *   return this.accessTokens.reloadKeys();
   * }
   * ```
   */
  async reloadKeys(): Promise<void> {
    const { reloader } = this.ports;
    if (!reloader) throw onlyVerifies();
    await reloader.reload((change) => this.tellRetired(change));
  }

  /**
   * Returns the public keys that verify access tokens, in the form in which they are published (RFC 7517 §5). It never contains a secret or
   * a private key. With `secret`, or with `HS…` keys, it is empty.
   * @example
   * ```ts
   * @Public()
   * @Get('keys')
   * keys(): JsonWebKeySet {
   *   return this.accessTokens.jwks();
   * }
   * ```
   */
  jwks(): JsonWebKeySet {
    return keySetOf(this.ports.keys.all);
  }

  /** Issues a token whose content has been checked, for any instant. It serves `nestjs-token/testing`. @internal */
  issue(draft: AccessTokenDraft): Promise<IssuedAccessToken> {
    return this.issuer.issue(draft);
  }

  /**
   * Finds a token that has been verified before and that is good at this moment, without any I/O. If it returns `undefined`, {@link verify}
   * the token.
   * @internal
   */
  recall(token: string): RecalledToken | undefined {
    const instant = performance.now();
    const known = this.known(token, instant);
    if (!known) return undefined;
    const { denylist, introspector } = this.ports;
    const { sid, sid_epoch = 0 } = known.claims;
    const isGood = denylist.isCurrent(instant) && (sid === undefined || sid_epoch >= denylist.accessEpoch(sid));
    return isGood && (!introspector || introspector.knows(token)) ? known : undefined;
  }

  /**
   * Says why a token that has been verified before is no longer good, as far as this node knows, or returns null. It does no I/O.
   * @internal
   */
  judge({ claims, key }: JudgedToken): TokenError | null {
    const { keys, clock, denylist } = this.ports;
    if (key && !keys.trusts(key)) return new TokenInvalid({ unknownKey: true });
    const untimely = this.judgeTimes(claims, clock.now());
    const { sid, sid_epoch = 0 } = claims;
    if (untimely || sid === undefined) return untimely;
    const least = denylist.accessEpoch(sid);
    if (least === Infinity) return new TokenRevoked(sid);
    return sid_epoch < least ? new TokenExpired(sid) : null;
  }

  /** Checks everything before the signature, and finds the key that a token names. @internal */
  keyFor(token: string): VerificationKey | Promise<VerificationKey> {
    return this.verifier.keyFor(token);
  }

  /**
   * Checks everything after the signature: whether the key is still trusted, the claims, the times, and revocation. Remembers the token.
   * @internal
   */
  async accept(token: string, payload: unknown, key: VerificationKey): Promise<AccessTokenClaims> {
    const { keys, clock } = this.ports;
    const now = clock.now();
    if (!keys.trusts(key)) throw new TokenInvalid({ unknownKey: true });
    const claims = this.verifier.accept(payload);
    const untimely = this.judgeTimes(claims, now);
    if (untimely) throw untimely;
    await this.confirm(token, claims);
    this.cache?.set(token, { claims, key }, now);
    return claims;
  }

  /** @throws {TokenOptionsError} if this instance only verifies. */
  private get issuer(): AccessTokenIssuer {
    const { issuer } = this.ports;
    if (!issuer) throw onlyVerifies();
    return issuer;
  }

  private verifyInFull(token: string): Promise<AccessTokenClaims> {
    const work = async (): Promise<AccessTokenClaims> => {
      const key = await this.keyFor(token);
      return this.accept(token, this.verifier.payloadOf(token, key), key);
    };
    return this.ports.trace?.(work) ?? work();
  }

  /** Makes known which keys a change takes away. */
  private tellRetired(change: () => void): void {
    const { keys, onKeyRetired } = this.ports;
    const before = keys.all;
    change();
    const after = new Set(keys.all);
    for (const key of before) if (!after.has(key)) onKeyRetired?.(key.kid);
  }

  /** Finds a token that has been verified before. Its key and its times are checked now, its session is not. */
  private known(token: string, instant: number): RecalledToken | undefined {
    const known = this.cache?.get(token, instant);
    const { keys, clock } = this.ports;
    return known && keys.trusts(known.key) && !this.judgeTimes(known.claims, clock.now()) ? known : undefined;
  }

  /**
   * Judges `exp` (exclusive), `nbf` and `iat` (inclusive) with one leeway, for known tokens and new ones alike.
   * @returns the error that the times deserve, or null.
   */
  private judgeTimes({ exp, iat, nbf = 0, sid }: DatedClaims, now: number): TokenExpired | TokenNotYetValid | null {
    const { leewayMs } = this.settings;
    if (now >= exp * 1_000 + leewayMs) return new TokenExpired(sid);
    return now < Math.max(iat, nbf) * 1_000 - leewayMs ? new TokenNotYetValid() : null;
  }

  private async confirm(token: string, claims: AccessTokenClaims): Promise<void> {
    const { denylist, introspector } = this.ports;
    const { sid, sid_epoch = 0 } = claims;
    if (sid !== undefined) await denylist.confirm(sid, sid_epoch);
    if (introspector) await introspector.confirm(token, claims);
  }
}

function onlyVerifies(): TokenOptionsError {
  return new TokenOptionsError(
    'jwks',
    'this instance only verifies access tokens: they are signed, and their keys replaced, at the service that issues them',
  );
}

function requireAuthTime(authTime: number, now: number): void {
  if (!Number.isInteger(authTime) || authTime < EARLIEST_INSTANT || authTime > now + CLOCK_SKEW_MS) {
    throw new TypeError('authTime: not an instant up to now, in epoch milliseconds');
  }
}
