import { HttpException } from '@nestjs/common';
import type { TokenErrorBody, TokenErrorCode, TokenErrorExtensions } from '../protocol/token-errors.js';
import { TOKEN_ERRORS } from '../protocol/token-errors.js';

const REASONS = {
  401: 'Unauthorized',
  403: 'Forbidden',
  409: 'Conflict',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const;

/**
 * Base of every error that a token, a session or its store causes in a request. Nest makes a response of it as of any `HttpException`. The
 * guard and the interceptor add the challenge (RFC 6750 §3) and `Retry-After`. It carries no token, secret or claim.
 */
export abstract class TokenError extends HttpException {
  /** Stays the same across releases. Switch on this, never on `message`. */
  override readonly errorCode: TokenErrorCode;
  /** Whether the user must sign in again. @see TokenErrorDescription.terminal */
  readonly terminal: boolean;
  /** `error` of the challenge, or null. */
  readonly wireError: string | null;
  /** Seconds after which a retry is worth while (`Retry-After`, RFC 9110 §10.2.3), or null. */
  readonly retryAfter: number | null = null;
  #body: unknown;

  /** @internal */
  protected constructor(errorCode: TokenErrorCode, options?: ErrorOptions) {
    const { status, message, terminal, wireError } = TOKEN_ERRORS[errorCode];
    const signIn = terminal && { signIn: true as const };
    // Given a text, and not the body: Nest's driver of Apollo replaces `extensions.code` if it finds a body.
    super(message, status, options);
    this.errorCode = errorCode;
    this.terminal = terminal;
    this.wireError = wireError;
    this.#body = { statusCode: status, message, error: REASONS[status], errorCode, ...signIn } satisfies TokenErrorBody;
  }

  /** The body of the response: a {@link TokenErrorBody}, or what the `errorBody` option made of it. */
  override getResponse(): string | object {
    return this.#body as string | object;
  }

  /**
   * What the `extensions` of a GraphQL error say. GraphQL's own library reads it, whatever the driver is (GraphQL specification §7.1.2).
   */
  get extensions(): TokenErrorExtensions {
    const { errorCode, terminal, retryAfter } = this;
    return { code: errorCode, status: this.getStatus(), ...(terminal && { signIn: true }), ...(retryAfter !== null && { retryAfter }) };
  }

  /** Replaces the body of the response. The status and the challenge stay as they are. @internal */
  shapeBody(body: unknown): void {
    this.#body = body;
  }
}

/** No access token came with a request to a guarded route. The challenge has no parameters (RFC 6750 §3.1). */
export class TokenMissing extends TokenError {
  override readonly name = 'TokenMissing';
  declare readonly errorCode: 'token_missing';
  constructor(options?: ErrorOptions) {
    super('token_missing', options);
  }
}

/** The credential is not three canonical base64url segments of JSON objects (RFC 7515 §3, RFC 7519 §7.2). */
export class TokenMalformed extends TokenError {
  override readonly name = 'TokenMalformed';
  declare readonly errorCode: 'token_malformed';
  constructor(options?: ErrorOptions) {
    super('token_malformed', options);
  }
}

/** The signature, the key, the header or a claim is wrong. The error deliberately does not say which. */
export class TokenInvalid extends TokenError {
  override readonly name = 'TokenInvalid';
  declare readonly errorCode: 'token_invalid';
  /** `true` if the `kid` is unknown here or retired. Only in this case may a refresh token help. */
  readonly unknownKey: boolean;
  constructor(options?: ErrorOptions & { unknownKey?: boolean }) {
    super('token_invalid', options);
    this.unknownKey = options?.unknownKey ?? false;
  }
}

/**
 * The access token is genuine, but its `exp` has passed (RFC 7519 §4.1.4), or `RefreshService.revokeAccess` has revoked it. The client
 * refreshes.
 */
export class TokenExpired extends TokenError {
  override readonly name = 'TokenExpired';
  declare readonly errorCode: 'token_expired';
  /** @param sessionId the session (`sid`) of the token, whose signature was right, or `undefined` if it belongs to none. */
  constructor(
    readonly sessionId: string | undefined,
    options?: ErrorOptions,
  ) {
    super('token_expired', options);
  }
}

/** The access token is genuine, but its `nbf` or `iat` is in the future by more than the leeway (RFC 7519 §4.1.5). */
export class TokenNotYetValid extends TokenError {
  override readonly name = 'TokenNotYetValid';
  declare readonly errorCode: 'token_not_yet_valid';
  constructor(options?: ErrorOptions) {
    super('token_not_yet_valid', options);
  }
}

/** The access token is genuine, but its session has been revoked. */
export class TokenRevoked extends TokenError {
  override readonly name = 'TokenRevoked';
  declare readonly errorCode: 'token_revoked';
  /** @param sessionId the revoked session. */
  constructor(
    readonly sessionId: string,
    options?: ErrorOptions,
  ) {
    super('token_revoked', options);
  }
}

/** The token is of another type than `at+jwt` (RFC 9068 §4). */
export class TokenTypeMismatch extends TokenError {
  override readonly name = 'TokenTypeMismatch';
  declare readonly errorCode: 'token_type_mismatch';
  constructor(options?: ErrorOptions) {
    super('token_type_mismatch', options);
  }
}

/** The credential is longer than 8192 characters. Nothing in it was parsed. */
export class TokenTooLarge extends TokenError {
  override readonly name = 'TokenTooLarge';
  declare readonly errorCode: 'token_too_large';
  constructor(options?: ErrorOptions) {
    super('token_too_large', options);
  }
}

/** An explicit refresh came without a refresh token. */
export class RefreshTokenMissing extends TokenError {
  override readonly name = 'RefreshTokenMissing';
  declare readonly errorCode: 'refresh_missing';
  constructor(options?: ErrorOptions) {
    super('refresh_missing', options);
  }
}

/** The refresh token is not one of this instance: its form, key or authentication code is wrong. No session was read. */
export class RefreshTokenInvalid extends TokenError {
  override readonly name = 'RefreshTokenInvalid';
  declare readonly errorCode: 'refresh_invalid';
  constructor(options?: ErrorOptions) {
    super('refresh_invalid', options);
  }
}

/** The idle lifetime or the absolute lifetime of the session has passed. */
export class RefreshTokenExpired extends TokenError {
  override readonly name = 'RefreshTokenExpired';
  declare readonly errorCode: 'refresh_expired';
  /** @param sessionId the session that has expired. */
  constructor(
    readonly sessionId: string,
    options?: ErrorOptions,
  ) {
    super('refresh_expired', options);
  }
}

/** Two parties hold one refresh token. Its session has been revoked (RFC 9700 §4.14.2). */
export class RefreshTokenReused extends TokenError {
  override readonly name = 'RefreshTokenReused';
  declare readonly errorCode: 'refresh_reused';
  /** @param sessionId the session that has been revoked. */
  constructor(
    readonly sessionId: string,
    options?: ErrorOptions,
  ) {
    super('refresh_reused', options);
  }
}

/** The session of the refresh token has been revoked before. */
export class SessionRevoked extends TokenError {
  override readonly name = 'SessionRevoked';
  declare readonly errorCode: 'session_revoked';
  /** @param sessionId the revoked session. */
  constructor(
    readonly sessionId: string,
    options?: ErrorOptions,
  ) {
    super('session_revoked', options);
  }
}

/** The refresh token is genuine, but there is no such session: it was deleted after its absolute lifetime, or by hand. */
export class SessionNotFound extends TokenError {
  override readonly name = 'SessionNotFound';
  declare readonly errorCode: 'session_not_found';
  /** @param sessionId the session that does not exist. */
  constructor(
    readonly sessionId: string,
    options?: ErrorOptions,
  ) {
    super('session_not_found', options);
  }
}

/**
 * The expired access token of one session came with the refresh token of another. This happens with two tabs, of which one has signed out
 * and in again. The request is refused, because what one user has filled in must not be sent as another. No token is lost: the client
 * repeats the request with the tokens of one session.
 */
export class SessionMismatch extends TokenError {
  override readonly name = 'SessionMismatch';
  declare readonly errorCode: 'session_mismatch';
  constructor(options?: ErrorOptions) {
    super('session_mismatch', options);
  }
}

/**
 * The user has as many live sessions as `sessions.max` allows, and `sessions.onLimit` is `refuse`. No session was opened. The user signs
 * out on another device, or the application ends one of the sessions.
 */
export class SessionLimitReached extends TokenError {
  override readonly name = 'SessionLimitReached';
  declare readonly errorCode: 'session_limit';
  /** @param max the maximum number of live sessions. */
  constructor(
    readonly max: number,
    options?: ErrorOptions,
  ) {
    super('session_limit', options);
  }
}

/** The session has used up its refreshes for this time window. It stays open, and the client waits. */
export class RefreshLimited extends TokenError {
  override readonly name = 'RefreshLimited';
  declare readonly errorCode: 'refresh_limited';
  override readonly retryAfter: number;
  /** @param retryAfter whole seconds until the time window ends, at least 1. */
  constructor(retryAfter: number, options?: ErrorOptions) {
    super('refresh_limited', options);
    this.retryAfter = retryAfter;
  }
}

/** The sign-in is older than a route marked with `Fresh` allows. The session stays open. */
export class FreshTokenRequired extends TokenError {
  override readonly name = 'FreshTokenRequired';
  declare readonly errorCode: 'fresh_token_required';
  constructor(options?: ErrorOptions) {
    super('fresh_token_required', options);
  }
}

/** The `loadUser` hook says that the user is gone or disabled. */
export class UserRejected extends TokenError {
  override readonly name = 'UserRejected';
  declare readonly errorCode: 'user_rejected';
  constructor(options?: ErrorOptions) {
    super('user_rejected', options);
  }
}

/**
 * A request whose tokens come from cookies was sent by a page of another site, or carries no CSRF token where it needs one. Nothing was
 * rotated, and the session goes on.
 */
export class CsrfFailed extends TokenError {
  override readonly name = 'CsrfFailed';
  declare readonly errorCode: 'csrf_failed';
  /** The session that the tokens of the request belong to, or `undefined` if it is not known. */
  readonly sessionId: string | undefined;
  constructor(options?: ErrorOptions & { sessionId?: string | undefined }) {
    super('csrf_failed', options);
    this.sessionId = options?.sessionId;
  }
}

/**
 * The guard protects a handler whose context carries neither a request nor a known socket: a GraphQL subscription without its socket in the
 * GraphQL context (docs/websockets.md), or a kind of message that this package does not know. Override `getRequest` of `JwtAuthGuard` to
 * say where its tokens are, or mark the handler with `@Public()`.
 */
export class ContextUnsupported extends TokenError {
  override readonly name = 'ContextUnsupported';
  declare readonly errorCode: 'context_unsupported';
  constructor(options?: ErrorOptions) {
    super('context_unsupported', options);
  }
}

/**
 * The session store or the endpoint of `introspection` did not respond, or a hook has thrown this error because its own store did not.
 * Nothing is lost: the client keeps its tokens and retries.
 */
export class StoreUnavailable extends TokenError {
  override readonly name = 'StoreUnavailable';
  declare readonly errorCode: 'store_unavailable';
  override readonly retryAfter: number = 1;
  constructor(options?: ErrorOptions) {
    super('store_unavailable', options);
  }
}

/**
 * The `Signer` could not sign an access token, for example because the service that holds the key does not respond. Nothing is lost: the
 * client keeps its tokens and retries.
 */
export class SignerUnavailable extends TokenError {
  override readonly name = 'SignerUnavailable';
  declare readonly errorCode: 'signer_unavailable';
  override readonly retryAfter: number = 1;
  constructor(options?: ErrorOptions) {
    super('signer_unavailable', options);
  }
}

/**
 * The key set of the service that issues the access tokens (`jwks.uri`) cannot be fetched, and the token names a key that was not in it
 * before. Nothing is lost: the client keeps its tokens and retries.
 */
export class KeysUnavailable extends TokenError {
  override readonly name = 'KeysUnavailable';
  declare readonly errorCode: 'keys_unavailable';
  override readonly retryAfter: number = 1;
  constructor(options?: ErrorOptions) {
    super('keys_unavailable', options);
  }
}

/** The hooks by which the application is asked during a request. */
export type TokenHook = 'loadUser' | 'claims' | 'legacy.verify' | 'legacy.exchange';

/**
 * A hook (`loadUser`, `claims` or one of `legacy`) did not respond within `hookTimeout`. Nothing is lost: the client keeps its tokens and
 * retries.
 */
export class HookTimeout extends TokenError {
  override readonly name = 'HookTimeout';
  declare readonly errorCode: 'hook_timeout';
  override readonly retryAfter: number = 1;
  /** @param hook the hook that took too long. */
  constructor(
    readonly hook: TokenHook,
    options?: ErrorOptions,
  ) {
    super('hook_timeout', options);
  }
}

/**
 * A hook (`loadUser`, `claims` or one of `legacy`) failed, and did not give a reason by a `UserRejected` or a `StoreUnavailable`. This is a
 * mistake in the hook, and the log has it. Nothing is lost: the client keeps its tokens.
 */
export class HookFailed extends TokenError {
  override readonly name = 'HookFailed';
  declare readonly errorCode: 'hook_failed';
  /** @param hook the hook that failed. Its error is the `cause`. */
  constructor(
    readonly hook: TokenHook,
    options?: ErrorOptions,
  ) {
    super('hook_failed', options);
  }
}

/**
 * Every error of this package that reaches a client, as one union: `switch (error.errorCode)` narrows it, and the compiler reports a code
 * that the switch has forgotten. It has one member for each {@link TokenErrorCode}, so a later version of this package may add members.
 *
 * @example
 * ```ts
 * @Catch(TokenError)
 * class TokenErrorFilter implements ExceptionFilter<AnyTokenError> {
 *   catch(error: AnyTokenError, host: ArgumentsHost) {
 *     switch (error.errorCode) {
 *       case 'refresh_limited':
 *         return retryIn(host, error.retryAfter);
 *       case 'refresh_reused':
 *         return report(host, error.sessionId);
 *       default:
 *         return signInAgain(host, error.terminal);
 *     }
 *   }
 * }
 * ```
 */
export type AnyTokenError =
  | TokenMissing
  | TokenMalformed
  | TokenInvalid
  | TokenExpired
  | TokenNotYetValid
  | TokenRevoked
  | TokenTypeMismatch
  | TokenTooLarge
  | RefreshTokenMissing
  | RefreshTokenInvalid
  | RefreshTokenExpired
  | RefreshTokenReused
  | SessionRevoked
  | SessionNotFound
  | SessionMismatch
  | SessionLimitReached
  | RefreshLimited
  | FreshTokenRequired
  | UserRejected
  | CsrfFailed
  | ContextUnsupported
  | StoreUnavailable
  | SignerUnavailable
  | KeysUnavailable
  | HookTimeout
  | HookFailed;

/** The module was given options that it refuses. It is thrown before the application listens, and the message holds no secret. */
export class TokenOptionsError extends Error {
  override readonly name = 'TokenOptionsError';
  /**
   * @param option path of the option, for example `access.lifetime`.
   * @param problem what is wrong and how to fix it.
   */
  constructor(
    readonly option: string,
    problem: string,
    options?: ErrorOptions,
  ) {
    super(`${option}: ${problem}`, options);
  }
}
