import { JwtService } from '@nestjs/jwt';
import type { KeyObject } from 'node:crypto';
import { verify } from 'node:crypto';
import type { AccessTokenClaims, SlidingClaim } from './access-token.claims.js';
import { deeplyFrozen, isSessionId, isSubject } from './access-token.claims.js';
import { isCanonicalBase64url } from '../keys/encodings.js';
import type { KeySource, VerificationKey } from '../keys/key-source.js';
import { TokenInvalid, TokenMalformed, TokenTooLarge, TokenTypeMismatch } from '../errors/token.errors.js';

/** Longest access token that is read, in characters. */
export const MAX_TOKEN_LENGTH = 8_192;

/** What every access token of one instance must contain. */
export interface VerificationSettings {
  readonly issuer: string;
  /** One of these must be in `aud`. */
  readonly audience: readonly string[];
  /** The difference between the clocks of two nodes that is tolerated on `exp`, `nbf` and `iat`. */
  readonly leewayMs: number;
  /** Longest `exp − iat`. */
  readonly maxLifetimeMs: number;
  /** Whether a token may belong to no session. A service that only verifies has none of its own. */
  readonly sessionIsOptional?: boolean;
}

const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
/**
 * All members that our headers contain. `crit`, `b64`, `zip`, `cty`, `jku`, `jwk`, `x5u`, `x5c` and anything else is refused (RFC 7515
 * §4.1.11, RFC 7797 §7).
 */
const HEADER_MEMBERS: ReadonlySet<string> = new Set(['alg', 'typ', 'kid']);
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

type Json = Readonly<Record<string, unknown>>;

/** Claims of which the times have not been judged yet. */
export type DatedClaims = AccessTokenClaims & { readonly nbf?: number };

/**
 * Verifies access tokens in three steps: {@link keyFor} checks the form and the header and finds the key, {@link payloadOf} verifies the
 * signature, and {@link accept} judges the claims. The times are judged by the caller, because their verdict changes. jsonwebtoken does the
 * second step, except for EdDSA, which it does not know. The other steps do what it leaves out (docs/decisions/0003). Nothing in a token is
 * trusted before its signature has been verified.
 */
export class AccessTokenVerifier {
  private readonly jwt = new JwtService();

  constructor(
    private readonly keys: KeySource,
    private readonly settings: VerificationSettings,
  ) {}

  /**
   * Checks what comes before the signature: the size, the alphabet, the canonical encoding, JSON objects, the members of the header, the
   * key that `kid` names, the `alg` of that key, and `typ`.
   * @throws {TokenTooLarge | TokenMalformed | TokenInvalid | TokenTypeMismatch} throws it, or rejects with it if the key source needs a
   * promise.
   */
  keyFor(token: string): VerificationKey | Promise<VerificationKey> {
    if (token.length > MAX_TOKEN_LENGTH) throw new TokenTooLarge();
    if (!COMPACT.test(token)) throw new TokenMalformed();
    const [header = '', payload = '', signature = ''] = token.split('.');
    if (![header, payload, signature].every(isCanonicalBase64url)) throw new TokenMalformed();
    parseObject(payload);
    return this.keyOf(parseObject(header));
  }

  /**
   * Verifies the signature with the key that {@link keyFor} has found.
   * @returns the payload that the signature vouches for. Times are not judged.
   * @throws {TokenInvalid} if the signature is wrong. The message of jsonwebtoken is dropped, because it may quote claims.
   */
  payloadOf(token: string, { key, algorithm }: VerificationKey): unknown {
    if (algorithm === 'EdDSA') return edwardsPayload(token, key);
    try {
      const options = { secret: key as never, algorithms: [algorithm], ignoreExpiration: true, ignoreNotBefore: true };
      return this.jwt.verify<object>(token, options);
    } catch {
      throw new TokenInvalid();
    }
  }

  private keyOf(header: Json): VerificationKey | Promise<VerificationKey> {
    const { kid } = header;
    if (typeof kid !== 'string' || !Object.keys(header).every((member) => HEADER_MEMBERS.has(member))) throw new TokenInvalid();
    const found = this.keys.find(kid);
    return found instanceof Promise ? found.then((key) => fitting(key, header)) : fitting(found, header);
  }

  /**
   * Checks what comes after the signature, except for the times: the claims of RFC 9068 §2.2, their types and their values.
   * @param payload the payload that the signature vouches for.
   * @returns the claims, deeply frozen and without a `__proto__` member.
   * @throws {TokenInvalid} if a claim is missing or wrong.
   */
  accept(payload: unknown): DatedClaims {
    if (!isAccessTokenClaims(payload) || !this.isForUs(payload) || !this.hasSession(payload)) throw new TokenInvalid();
    return deeplyFrozen(payload);
  }

  private hasSession({ sid }: AccessTokenClaims): boolean {
    return sid === undefined ? this.settings.sessionIsOptional === true : isSessionId(sid);
  }

  private isForUs({ iss, aud, exp, iat }: AccessTokenClaims): boolean {
    const { issuer, audience, maxLifetimeMs } = this.settings;
    const audiences = typeof aud === 'string' ? [aud] : aud;
    return iss === issuer && audiences.some((one) => audience.includes(one)) && exp > iat && (exp - iat) * 1_000 <= maxLifetimeMs;
  }
}

function fitting(key: VerificationKey | undefined, { alg, typ }: Json): VerificationKey {
  if (!key) throw new TokenInvalid({ unknownKey: true });
  if (alg !== key.algorithm) throw new TokenInvalid();
  if (typeof typ !== 'string' || !/^(application\/)?at\+jwt$/i.test(typ)) throw new TokenTypeMismatch();
  return key;
}

/** Verifies a signature of Ed25519 (RFC 8037 §3.1) over the bytes of the token itself, and returns the payload. */
function edwardsPayload(token: string, key: KeyObject): Json {
  const [header = '', payload = '', signature = ''] = token.split('.');
  if (!verify(null, Buffer.from(`${header}.${payload}`, 'latin1'), key, Buffer.from(signature, 'base64url'))) throw new TokenInvalid();
  return parseObject(payload);
}

function parseObject(segment: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(UTF8.decode(Buffer.from(segment, 'base64url')));
  } catch {
    throw new TokenMalformed();
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new TokenMalformed();
  return value as Json;
}

function isAccessTokenClaims(payload: unknown): payload is DatedClaims {
  const { iss, sub, aud, exp, iat, jti, nbf = 0, auth_time = 0, sid_epoch = 0, sliding } = payload as Json;
  const areNumbers = [exp, iat, nbf, auth_time, sid_epoch].every((instant) => typeof instant === 'number' && Number.isFinite(instant));
  const isAudience = typeof aud === 'string' || (Array.isArray(aud) && aud.every((one) => typeof one === 'string'));
  if (sliding !== undefined && !isSlidingClaim(sliding)) return false;
  return areNumbers && isAudience && isSubject(sub) && typeof iss === 'string' && typeof jti === 'string' && jti !== '';
}

function isSlidingClaim(value: unknown): value is SlidingClaim {
  if (typeof value !== 'object' || value === null) return false;
  const { until, persistent = true } = value as Json;
  return typeof until === 'number' && Number.isFinite(until) && typeof persistent === 'boolean';
}
