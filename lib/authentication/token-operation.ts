import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import type { Principal } from '../principal/principal.js';
import { rawResponseOf } from '../transport/response-tokens.js';
import type { Credentials, IssuedTokens, TokenRequest } from '../transport/token-transport.js';
import type { CheckedRequest } from './request-check.js';

/** One operation to authenticate: an HTTP request, a GraphQL operation, or one message. */
export interface TokenOperation {
  /** Stands for the operation. Calls for the same one that come while it is being authenticated share the result. */
  readonly operation: object;
  readonly request: TokenRequest;
  /** The response of the platform, or `undefined` if tokens cannot be sent back. Nothing is refreshed then. */
  readonly response: object | undefined;
  /** Whether the operation only reads. See {@link CheckedRequest.isSafe}. */
  readonly isSafe: boolean;
  /** The tokens, where they do not come with the request. */
  readonly credentials?: Credentials;
}

/** The caller, and the tokens that the response has to carry. */
export interface Authentication {
  readonly principal: Principal;
  /** The tokens that came with the request. */
  readonly credentials: Credentials;
  /** The new tokens, or null if the client keeps the tokens that it has. */
  readonly issued: IssuedTokens | null;
}

/** Returns what a check is asked about a request with a good access token. */
export function checkedRequest({ request, isSafe }: TokenOperation, credentials: Credentials, claims: AccessTokenClaims): CheckedRequest {
  return { request, credentials, sessionId: claims.sid, isSafe, claims };
}

/** Tells whether the response can carry new tokens. A preflight request is the browser's own, and its response reaches no page. */
export function mayCarryTokens(request: TokenRequest, response: object): boolean {
  return request.method !== 'OPTIONS' && !rawResponseOf(response).headersSent;
}
