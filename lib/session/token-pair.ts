import { inspect } from 'node:util';
import { bodyMember } from '../access-token/body-member.js';
import type { Deliverable, Delivery } from './delivery.js';

/** The response of a token endpoint (RFC 6749 §5.1), and the id of the session. */
export interface TokenPairBody {
  /** The access token. Absent if it travels in a cookie, or if the session has been revoked since the pair was issued. */
  access_token?: string;
  /**
   * The refresh token. Absent if it travels in a cookie, if the caller already holds the current one (RFC 6749 §6 allows it), or if the
   * response is written more than half of the grace period after the refresh. The client then keeps the refresh token that it has, and its
   * next refresh is recovered.
   */
  refresh_token?: string;
  token_type: string;
  /** Seconds. */
  expires_in: number;
  /** Seconds. */
  refresh_expires_in: number;
  session_id: string;
}

/** The tokens of a pair, and what is told of them. */
export interface TokenPairFields {
  readonly accessToken: string;
  /** Absent if the caller already holds the current one (outcome `kept`). */
  readonly refreshToken?: string;
  /** The scheme of the access token. */
  readonly tokenType: string;
  /** Whole seconds that the access token is good for. */
  readonly expiresIn: number;
  /** Whole seconds until the session expires if nothing is refreshed. */
  readonly refreshExpiresIn: number;
  /** The session id (`sid`). */
  readonly sessionId: string;
  /** Whether cookies with these tokens outlive the browser. If left out, they do if the cookies that they replace did. */
  readonly persistent?: boolean | undefined;
}

/** Which tokens a body may carry. A token that travels in a cookie is in no body. */
export type TokensInBody = 'both' | 'access' | 'none';

/** What decides about the delivery of a pair. */
export interface PairDelivery {
  /** Judges what a late response may carry. Without it, a response always carries the whole pair. */
  readonly late?: Delivery | undefined;
  /** Which tokens a body may carry. @defaultValue 'both' */
  readonly inBody?: TokensInBody | undefined;
}

/**
 * What a sign-in or a refresh gives to the client. JSON and class-transformer turn it into a {@link TokenPairBody}. A log or `inspect()`
 * shows no token.
 */
export class TokenPair {
  readonly #fields: TokenPairFields;
  readonly #delivery: PairDelivery;

  /**
   * @param fields the tokens and what is told of them.
   * @param delivery decides what a response may carry.
   * @internal
   */
  constructor(fields: TokenPairFields, delivery: PairDelivery = {}) {
    this.#fields = fields;
    this.#delivery = delivery;
    Object.defineProperties(this, BODY_MEMBERS);
  }

  /** The access token. */
  get accessToken(): string {
    return this.#fields.accessToken;
  }

  /** The refresh token. Absent if the caller already holds the current one (outcome `kept`). */
  get refreshToken(): string | undefined {
    return this.#fields.refreshToken;
  }

  /** The scheme of the access token, which is `Bearer` unless the `header` option names another one. */
  get tokenType(): string {
    return this.#fields.tokenType;
  }

  /** The number of seconds for which the access token is accepted. A whole number. */
  get expiresIn(): number {
    return this.#fields.expiresIn;
  }

  /** The number of seconds until the session expires if it is not refreshed. A whole number. */
  get refreshExpiresIn(): number {
    return this.#fields.refreshExpiresIn;
  }

  /** The session id (`sid`). */
  get sessionId(): string {
    return this.#fields.sessionId;
  }

  /** Whether cookies with these tokens outlive the browser. `undefined` after a refresh: they do if the cookies that they replace did. */
  get persistent(): boolean | undefined {
    return this.#fields.persistent;
  }

  /** What a response that is written now may carry of this pair (docs/rotation.md §5.4). */
  get deliverable(): Deliverable {
    return this.#delivery.late?.judge() ?? 'both';
  }

  /**
   * Returns the pair under the names of RFC 6749 §5.1, also if it is nested in another response (`{ user, tokens: pair }`). Leaves out what
   * a response that is written now must not carry (docs/rotation.md §5.4), and what travels in cookies.
   */
  toJSON(): TokenPairBody {
    const { deliverable, accessToken, refreshToken } = this;
    const { inBody = 'both' } = this.#delivery;
    const terms = {
      token_type: this.tokenType,
      expires_in: this.expiresIn,
      refresh_expires_in: this.refreshExpiresIn,
      session_id: this.sessionId,
    };
    if (deliverable === 'none' || inBody === 'none') return terms;
    if (deliverable === 'access' || inBody === 'access' || refreshToken === undefined) return { access_token: accessToken, ...terms };
    return { access_token: accessToken, refresh_token: refreshToken, ...terms };
  }

  /**
   * Returns the same pair for a client that has sent its refresh token in the body: the body carries both tokens, whatever `transport` is.
   * @internal
   */
  withTokensInBody(): TokenPair {
    return new TokenPair(this.#fields, { ...this.#delivery, inBody: 'both' });
  }

  /** Shows the session and the lifetimes only. */
  [inspect.custom](): string {
    return `TokenPair { sessionId: '${this.sessionId}', expiresIn: ${this.expiresIn}, refreshExpiresIn: ${this.refreshExpiresIn} }`;
  }
}

/** The members of the body. */
const BODY_MEMBERS: Readonly<Record<keyof TokenPairBody, PropertyDescriptor>> = {
  access_token: bodyMember('access_token'),
  refresh_token: bodyMember('refresh_token'),
  token_type: bodyMember('token_type'),
  expires_in: bodyMember('expires_in'),
  refresh_expires_in: bodyMember('refresh_expires_in'),
  session_id: bodyMember('session_id'),
};
