import { inspect } from 'node:util';
import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import { bodyMember } from '../access-token/body-member.js';

/** The response of a token endpoint (RFC 6749 §5.1) that gives out no refresh token. */
export interface AccessTokenBody {
  /** The access token. Absent if it travels in a cookie. */
  access_token?: string;
  token_type: string;
  /** Seconds. */
  expires_in: number;
}

/** An access token, and what is told of it. */
export interface AccessTokenFields {
  readonly accessToken: string;
  /** Deeply frozen. */
  readonly claims: AccessTokenClaims;
  /** The scheme of the access token. */
  readonly tokenType: string;
  /** Whether a cookie with the token outlives the browser. */
  readonly persistent: boolean;
  /** Whether a body may carry the token. A token that travels in a cookie is in no body. */
  readonly isInBody: boolean;
  /** The instant of `performance.now()` from which a response no longer carries the token. `Infinity` means that there is none. */
  readonly staleAt: number;
}

/**
 * What a sign-in without a session gives to the client. JSON and class-transformer turn it into an {@link AccessTokenBody}. A log or
 * `inspect()` shows no token.
 */
export class AccessTokenResponse {
  readonly #fields: AccessTokenFields;

  /** @internal */
  constructor(fields: AccessTokenFields) {
    this.#fields = fields;
    Object.defineProperties(this, BODY_MEMBERS);
  }

  /** The access token. */
  get accessToken(): string {
    return this.#fields.accessToken;
  }

  /** The scheme of the access token, which is `Bearer` unless the `header` option names another one. */
  get tokenType(): string {
    return this.#fields.tokenType;
  }

  /** The number of seconds for which the access token is accepted. A whole number. */
  get expiresIn(): number {
    const { exp, iat } = this.#fields.claims;
    return exp - iat;
  }

  /** Whether a cookie with the token outlives the browser. */
  get persistent(): boolean {
    return this.#fields.persistent;
  }

  /**
   * What a response that is written now may carry. The token of a sign-in is always delivered. One that takes the place of another one
   * (`access.sliding`) is delivered for two seconds, so that a late response does not sign a user in again who has signed out meanwhile.
   */
  get deliverable(): 'both' | 'none' {
    return performance.now() > this.#fields.staleAt ? 'none' : 'both';
  }

  /** The claims of the token. @internal */
  get claims(): AccessTokenClaims {
    return this.#fields.claims;
  }

  /**
   * Returns the response under the names of RFC 6749 §5.1, also if it is nested in another one. Leaves out a token that travels in a
   * cookie.
   */
  toJSON(): AccessTokenBody {
    const terms = { token_type: this.tokenType, expires_in: this.expiresIn };
    return this.#fields.isInBody ? { access_token: this.accessToken, ...terms } : terms;
  }

  /** Shows the subject and the lifetime only. */
  [inspect.custom](): string {
    return `AccessTokenResponse { subject: ${inspect(this.claims.sub)}, expiresIn: ${this.expiresIn} }`;
  }
}

/** The members of the body. */
const BODY_MEMBERS: Readonly<Record<keyof AccessTokenBody, PropertyDescriptor>> = {
  access_token: bodyMember('access_token'),
  token_type: bodyMember('token_type'),
  expires_in: bodyMember('expires_in'),
};
