import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import type { Credentials, TokenRequest } from '../transport/token-transport.js';

/** A request, the tokens that came with it, and the session and claims as far as they are known. */
export interface CheckedRequest {
  readonly request: TokenRequest;
  readonly credentials: Credentials;
  /** The session that the tokens belong to, or `undefined` if the access token belongs to none. */
  readonly sessionId: string | undefined;
  /** Whether the request only reads (GET, HEAD and OPTIONS). An operation of GraphQL never counts as safe, because GET can carry it too. */
  readonly isSafe: boolean;
  /** The claims of the verified access token. Null before a rotation, because it has expired or is missing. */
  readonly claims: AccessTokenClaims | null;
}

/** What a request is checked for. */
export type CheckStage = 'use' | 'rotate' | 'slide' | 'endpoint';

/**
 * Port: what must hold of a request in addition to its tokens, such as protection against cross-site requests, or the proof that the caller
 * possesses a key. It is asked after the tokens have been found and before they are used. `CsrfCheck` is the default. Another one,
 * installed with `overrideProvider(RequestCheck)`, takes its place.
 */
export abstract class RequestCheck {
  /** Tells whether a request with these tokens must be checked at all. If not, a known access token needs nothing more. */
  concerns(_credentials: Credentials): boolean {
    return true;
  }

  /**
   * Lets a request pass, or refuses it.
   * @param stage `use` means that the access token is good and the request is about to be admitted. `rotate` means that the refresh token
   * is authentic and is about to be presented. Nothing has been changed in the store at that moment. `slide` comes after
   * `use`, and means that the response is about to carry a new access token (`access.sliding`). `endpoint` means that a route with
   * `RefreshTokenGuard` is about to refresh or to sign out, whatever the request carries.
   * @throws {TokenError} throws it, or rejects with it, to refuse the request. Nothing is rotated then. A refusal of `slide` does not
   * refuse the request: the client keeps the token that it has.
   */
  abstract check(stage: CheckStage, checked: CheckedRequest): void | Promise<void>;
}

/** Checks nothing. It stands where the application has switched the protection off (`csrf: false`). */
export class NoRequestCheck extends RequestCheck {
  override concerns(): boolean {
    return false;
  }

  override check(): void {}
}
