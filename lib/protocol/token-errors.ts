/** Every code that a {@link TokenError} carries. Codes are public API: switch on them, never on messages. */
export type TokenErrorCode = keyof typeof TOKEN_ERRORS;

/** What one {@link TokenErrorCode} means to a client. */
export interface TokenErrorDescription {
  /** HTTP status of the response. */
  readonly status: number;
  /** `error` of the challenge (RFC 6750 §3.1). Null if the challenge has no parameters, or if there is no challenge. */
  readonly wireError: string | null;
  /**
   * `true` means that the tokens of the client are worthless and the user must sign in again. `false` means that the client may refresh,
   * retry or authenticate again.
   */
  readonly terminal: boolean;
  /** The message of the response: a constant text that holds no token, secret or claim. */
  readonly message: string;
}

/** The status, wire error, terminal flag and message of each code. Responses, documentation and tests are all made from this table. */
export const TOKEN_ERRORS = {
  token_missing: { status: 401, wireError: null, terminal: false, message: 'access token is missing' },
  token_malformed: { status: 401, wireError: 'invalid_token', terminal: false, message: 'access token is malformed' },
  token_invalid: { status: 401, wireError: 'invalid_token', terminal: false, message: 'access token is invalid' },
  token_expired: { status: 401, wireError: 'invalid_token', terminal: false, message: 'access token has expired' },
  token_not_yet_valid: { status: 401, wireError: 'invalid_token', terminal: false, message: 'access token is not valid yet' },
  token_revoked: { status: 401, wireError: 'invalid_token', terminal: true, message: 'session of the access token has been revoked' },
  token_type_mismatch: { status: 401, wireError: 'invalid_token', terminal: false, message: 'token is not an access token' },
  token_too_large: { status: 401, wireError: 'invalid_token', terminal: false, message: 'access token is too large' },
  refresh_missing: { status: 401, wireError: null, terminal: true, message: 'refresh token is missing' },
  refresh_invalid: { status: 401, wireError: 'invalid_token', terminal: true, message: 'refresh token is invalid' },
  refresh_expired: { status: 401, wireError: 'invalid_token', terminal: true, message: 'session has expired' },
  refresh_reused: {
    status: 401,
    wireError: 'invalid_token',
    terminal: true,
    message: 'refresh token has already been used, the session has been revoked',
  },
  session_revoked: { status: 401, wireError: 'invalid_token', terminal: true, message: 'session has been revoked' },
  session_not_found: { status: 401, wireError: 'invalid_token', terminal: true, message: 'session does not exist' },
  session_mismatch: {
    status: 401,
    wireError: 'invalid_token',
    terminal: false,
    message: 'tokens of the request belong to different sessions',
  },
  session_limit: {
    status: 409,
    wireError: null,
    terminal: false,
    message: 'the user has too many sessions, sign out of another one first',
  },
  refresh_limited: { status: 429, wireError: null, terminal: false, message: 'session has been refreshed too often' },
  fresh_token_required: { status: 401, wireError: 'invalid_token', terminal: false, message: 'a more recent sign-in is required' },
  user_rejected: { status: 401, wireError: 'invalid_token', terminal: true, message: 'user is gone or disabled' },
  csrf_failed: { status: 403, wireError: null, terminal: false, message: 'request did not come from a page that may send it' },
  context_unsupported: {
    status: 403,
    wireError: null,
    terminal: false,
    message: 'nothing says where the tokens of this message or subscription are',
  },
  store_unavailable: { status: 503, wireError: null, terminal: false, message: 'session store is unavailable, try again' },
  signer_unavailable: { status: 503, wireError: null, terminal: false, message: 'access tokens cannot be signed at present, try again' },
  keys_unavailable: { status: 503, wireError: null, terminal: false, message: 'access tokens cannot be verified at present, try again' },
  hook_timeout: { status: 503, wireError: null, terminal: false, message: 'the application did not answer in time, try again' },
  hook_failed: { status: 500, wireError: null, terminal: false, message: 'a hook of the application failed' },
} as const satisfies Record<string, TokenErrorDescription>;

/**
 * The default body of a {@link TokenError}. It has the three members that Nest gives every error, the stable code, and `signIn` on final
 * verdicts.
 */
export interface TokenErrorBody {
  statusCode: number;
  message: string;
  error: string;
  errorCode: TokenErrorCode;
  /** Present, and true, only if nothing but a new sign-in helps. So a client needs no list of codes. */
  signIn?: true;
}

/**
 * The `extensions` of a GraphQL error that stands for a {@link TokenError}.
 *
 * @example
 * ```json
 * { "message": "access token has expired", "path": ["me"], "extensions": { "code": "token_expired", "status": 401 } }
 * ```
 */
export interface TokenErrorExtensions {
  code: TokenErrorCode;
  /** The status that the response would have over plain HTTP. GraphQL itself responds with 200. */
  status: number;
  /** Present, and true, only if nothing but a new sign-in helps. */
  signIn?: true;
  /** Seconds after which a retry is worth while. Present only if the error says so. */
  retryAfter?: number;
}
