import { withoutControlCharacters } from '../text.js';

/** The claims that this package writes and requires (RFC 9068 §2.2). A token may carry the application's own claims in addition to them. */
export interface AccessTokenClaims {
  /** Issuer. */
  readonly iss: string;
  /** Subject. The user that the token speaks for. */
  readonly sub: string;
  /** Audience. The services that the token is meant for. */
  readonly aud: string | readonly string[];
  /** Expiry, NumericDate (seconds). */
  readonly exp: number;
  /** Instant of issuing, NumericDate (seconds). */
  readonly iat: number;
  /** Unique id of the token. */
  readonly jti: string;
  /** The session id. Absent in a token that belongs to no session. */
  readonly sid?: string;
  /**
   * Instant of the sign-in, NumericDate (seconds). Every token of a pair has it. A token that `AccessTokenService.sign` made may have none.
   */
  readonly auth_time?: number;
  /**
   * The last revocation of access tokens of the session (`RefreshService.revokeAccess`) before this token was issued, as the store's
   * instant in epoch milliseconds. Absent if there was none. The token is refused once there has been a later one.
   */
  readonly sid_epoch?: number;
  /**
   * Present in an access token that slides (`access.sliding`), and copied into each token that replaces it. Without it, a token is never
   * replaced, so a token of `AccessTokenService.sign` for one purpose is not either.
   */
  readonly sliding?: SlidingClaim;
}

/** What an access token that slides says of its sign-in. */
export interface SlidingClaim {
  /** Instant after which no token that replaces it is accepted, NumericDate (seconds). */
  readonly until: number;
  /** Whether the cookie of the token outlives the browser. Absent if the sign-in left it to the options. */
  readonly persistent?: boolean;
}

/**
 * Claim names that the application cannot set. They are the registered ones that this package writes, checks or keeps for a later version,
 * and those that every object has, because code that looks a name up in a table would find them there.
 */
export const RESERVED_CLAIMS: ReadonlySet<string> = new Set([
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'sid',
  'sid_epoch',
  'auth_time',
  'sliding',
  'acr',
  'amr',
  'cnf',
  'user',
  ...Object.getOwnPropertyNames(Object.prototype),
]);

/**
 * The longest `claims` of the application as JSON, in bytes of UTF-8. A token must stay below the size that the verifier refuses. The same
 * limit applies to `data`.
 */
const MAX_JSON_BYTES = 4_096;
const MAX_SUBJECT_LENGTH = 255;
const SESSION_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Checks the application's own claims before they are stored or issued.
 * @returns a copy that has been through JSON.
 * @throws {TypeError} if they are no JSON object, a name is reserved, or all together are longer than 4096 bytes.
 */
export function ownClaims(claims: object): Record<string, unknown> {
  const own = jsonObject('claims', claims);
  const reserved = Object.keys(own).find((name) => RESERVED_CLAIMS.has(name));
  if (reserved !== undefined) throw new TypeError(`claims: '${reserved}' is reserved`);
  return own;
}

/**
 * Checks what the application gives to be stored.
 * @param name the name of the value, for the message.
 * @returns a copy that has been through JSON.
 * @throws {TypeError} if it is no JSON object, or longer than 4096 bytes.
 */
export function jsonObject(name: string, given: object): Record<string, unknown> {
  const text = (JSON.stringify(given) as string | undefined) ?? 'null';
  const own: unknown = JSON.parse(text);
  if (typeof own !== 'object' || own === null || Array.isArray(own)) throw new TypeError(`${name}: not a JSON object`);
  if (Buffer.byteLength(text) > MAX_JSON_BYTES) throw new TypeError(`${name}: longer than ${MAX_JSON_BYTES} bytes`);
  return own as Record<string, unknown>;
}

/** Returns the value of `aud`: the one audience, or the list of several (RFC 7519 §4.1.3). */
export function audienceClaim(audience: readonly string[]): string | readonly string[] {
  const [only, ...more] = audience;
  return more.length === 0 && only !== undefined ? only : audience;
}

/** Freezes a value that several requests may share. Deletes the one member name that a careless copy would run as a setter. */
export function deeplyFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Object.hasOwn(value, '__proto__')) Reflect.deleteProperty(value, '__proto__');
  for (const member of Object.values(value)) deeplyFrozen(member);
  return Object.freeze(value);
}

/** Tells whether a value may be a session id. That is a UUID in lower case. */
export function isSessionId(value: unknown): value is string {
  return typeof value === 'string' && SESSION_ID.test(value);
}

/**
 * Tells whether a value may be a subject: 1 to 255 characters of well-formed Unicode, without control characters and without a space at
 * either end.
 */
export function isSubject(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= MAX_SUBJECT_LENGTH &&
    value.isWellFormed() &&
    value.trim() === value &&
    withoutControlCharacters(value) === value
  );
}

/**
 * Requires that a value is a subject.
 * @throws {TypeError} unless {@link isSubject}.
 */
export function requireSubject(subject: unknown): asserts subject is string {
  const remedy = typeof subject === 'number' || typeof subject === 'bigint' ? '; write String(id)' : '';
  if (!isSubject(subject)) throw new TypeError(`subject: not 1 to 255 characters of plain text${remedy}`);
}

/** Returns the application's claims among verified ones. */
export function customClaims(claims: AccessTokenClaims): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !RESERVED_CLAIMS.has(name)));
}
