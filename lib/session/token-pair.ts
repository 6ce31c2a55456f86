import { inspect } from 'node:util';

/** The answer of a token endpoint (RFC 6749 §5.1), and the id of the session. */
export interface TokenPairBody {
  access_token: string;
  /** Absent where the caller already holds the current one (RFC 6749 §6 allows it). */
  refresh_token?: string;
  token_type: string;
  /** Seconds. */
  expires_in: number;
  /** Seconds. */
  refresh_expires_in: number;
  session_id: string;
}

/** What a sign-in or a refresh gives to the client. Serialises to {@link TokenPairBody}; a log or `inspect()` shows no token. */
export class TokenPair {
  readonly accessToken!: string;
  /** Absent where the caller already holds the current one (outcome `kept`). */
  readonly refreshToken?: string;
  /** The scheme of the access token: `Bearer`. */
  readonly tokenType!: string;
  /** Whole seconds that the access token is good for. */
  readonly expiresIn!: number;
  /** Whole seconds until the session expires if nothing is refreshed. */
  readonly refreshExpiresIn!: number;
  /** The session id (`sid`). */
  readonly sessionId!: string;

  constructor(fields: Pick<TokenPair, 'accessToken' | 'refreshToken' | 'tokenType' | 'expiresIn' | 'refreshExpiresIn' | 'sessionId'>) {
    Object.assign(this, fields);
  }

  /** The RFC 6749 §5.1 names, also when the pair is nested in another answer (`{ user, tokens: pair }`). */
  toJSON(): TokenPairBody {
    return {
      access_token: this.accessToken,
      ...(this.refreshToken !== undefined && { refresh_token: this.refreshToken }),
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
