import { inspect } from 'node:util';
import type { Deliverable, Delivery } from './delivery.js';

/** The response of a token endpoint (RFC 6749 §5.1), and the id of the session. */
export interface TokenPairBody {
  /** The access token. Absent only if the session has been revoked since the pair was issued. */
  access_token?: string;
  /**
   * The refresh token. Absent if the caller already holds the current one (RFC 6749 §6 allows it), and in a response that is written more
   * than half of the grace period after the refresh. The client then keeps the refresh token that it has, and its next refresh is
   * recovered.
   */
  refresh_token?: string;
  token_type: string;
  /** Seconds. */
  expires_in: number;
  /** Seconds. */
  refresh_expires_in: number;
  session_id: string;
}

/**
 * The names in the body. class-transformer (`ClassSerializerInterceptor`) does not use `toJSON()`. It reads the enumerable members of an
 * instance, which are these.
 */
const BODY_NAMES = Object.keys({
  access_token: true,
  refresh_token: true,
  token_type: true,
  expires_in: true,
  refresh_expires_in: true,
  session_id: true,
} satisfies Record<keyof TokenPairBody, true>) as (keyof TokenPairBody)[];

/**
 * What a sign-in or a refresh gives to the client. JSON and class-transformer turn it into a {@link TokenPairBody}. A log or `inspect()`
 * shows no token.
 */
export class TokenPair {
  declare readonly accessToken: string;
  /** Absent if the caller already holds the current one (outcome `kept`). */
  declare readonly refreshToken?: string;
  /** The scheme of the access token, which is `Bearer` unless the `header` option names another one. */
  declare readonly tokenType: string;
  /** The number of seconds for which the access token is accepted. A whole number. */
  declare readonly expiresIn: number;
  /** The number of seconds until the session expires if it is not refreshed. A whole number. */
  declare readonly refreshExpiresIn: number;
  /** The session id (`sid`). */
  declare readonly sessionId: string;

  readonly #delivery: Delivery | undefined;

  /**
   * @param fields the tokens and what is said about them.
   * @param delivery judges what a late response may carry. Without it, a response always carries the whole pair.
   */
  constructor(
    fields: Pick<TokenPair, 'accessToken' | 'refreshToken' | 'tokenType' | 'expiresIn' | 'refreshExpiresIn' | 'sessionId'>,
    delivery?: Delivery,
  ) {
    this.#delivery = delivery;
    for (const [name, value] of Object.entries(fields)) Object.defineProperty(this, name, { value });
    for (const name of BODY_NAMES) Object.defineProperty(this, name, { enumerable: true, get: () => this.toJSON()[name] });
  }

  /** What a response that is written now may carry of this pair (docs/rotation.md §5.4). */
  get deliverable(): Deliverable {
    return this.#delivery?.judge() ?? 'both';
  }

  /**
   * Returns the pair under the names of RFC 6749 §5.1, also if it is nested in another response (`{ user, tokens: pair }`). Leaves out what
   * a response that is written now must not carry (docs/rotation.md §5.4).
   */
  toJSON(): TokenPairBody {
    const { deliverable } = this;
    return {
      ...(deliverable !== 'none' && { access_token: this.accessToken }),
      ...(deliverable === 'both' && this.refreshToken !== undefined && { refresh_token: this.refreshToken }),
      token_type: this.tokenType,
      expires_in: this.expiresIn,
      refresh_expires_in: this.refreshExpiresIn,
      session_id: this.sessionId,
    };
  }

  /** Shows the session and the lifetimes only. */
  [inspect.custom](): string {
    return `TokenPair { sessionId: '${this.sessionId}', expiresIn: ${this.expiresIn}, refreshExpiresIn: ${this.refreshExpiresIn} }`;
  }
}
