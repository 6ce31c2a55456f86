import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import type { Credentials, TokenRequest } from '../transport/token-transport.js';

/** A request, the tokens that came with it, and whom they speak for as far as that is known. */
export interface CheckedRequest {
  readonly request: TokenRequest;
  readonly credentials: Credentials;
  /** The session that the tokens belong to; `undefined`: the access token belongs to none. */
  readonly sessionId: string | undefined;
  /** The claims of the verified access token; null before a rotation, where it has expired or is missing. */
  readonly claims: AccessTokenClaims | null;
}

/**
 * Port: what must hold of a request in addition to its tokens, such as protection against cross-site requests or the proof that the caller
 * possesses a key. It stands between finding the tokens and using them. By default nothing is checked, and that costs nothing.
 * Install one with `overrideProvider(RequestCheck)`.
 */
export abstract class RequestCheck {
  /**
   * Lets a request pass, or refuses it.
   * @param stage `use`: the access token is good, and the request is about to be admitted. `rotate`: the refresh token is authentic, and is
   * about to be presented. Nothing has been changed in the store at that moment.
   * @throws {TokenError} throws it, or rejects with it, to refuse the request. Nothing is rotated then.
   */
  abstract check(stage: 'use' | 'rotate', checked: CheckedRequest): void | Promise<void>;
}

/** Checks nothing: a token in a header is never sent by a browser on its own. */
export class NoRequestCheck extends RequestCheck {
  override check(): void {}
}
