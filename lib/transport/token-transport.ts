import type { IncomingMessage } from 'node:http';
import type { Principal } from '../principal/principal.js';
import type { Deliverable } from '../session/delivery.js';

/** What this package reads and sets on a request, whatever the platform. */
export interface TokenRequest {
  readonly headers: IncomingMessage['headers'];
  readonly method?: string;
  /** Set by the guard. */
  user?: Principal | undefined;
}

/** A token that came with a request, and where it was found. Nothing of it has been verified. */
export interface Credential {
  readonly token: string;
  /** Where the token was found. The response carries new tokens in the same place. */
  readonly source: 'header' | 'cookie' | 'query' | 'body';
  /** The authentication scheme that stood before it (RFC 9110 §11.1), as the options name it. */
  readonly scheme?: string;
}

/** The tokens that came with a request. */
export interface Credentials {
  readonly access?: Credential;
  readonly refresh?: Credential;
}

/** The tokens that a response carries, and what may still be delivered of them: a `TokenPair` is one. */
export interface IssuedTokens {
  readonly accessToken: string;
  /** Absent where the client holds the current one. */
  readonly refreshToken?: string;
  /** Whole seconds that the access token is good for. */
  readonly expiresIn: number;
  /** What a response that is written now may carry (docs/rotation.md §5.4). Asked when the head of the response is written. */
  readonly deliverable: Deliverable;
}

/**
 * Port: where tokens travel. Headers are one implementation. Inject it to read the tokens of a request in a handler of your own; replace it
 * with `overrideProvider(TokenTransport)`.
 */
export abstract class TokenTransport {
  /** Finds the tokens that came with a request. It verifies nothing. */
  abstract read(request: TokenRequest): Credentials;

  /**
   * Puts tokens on a response, at once, and makes the response uncacheable. What the application has put on the response stays.
   * @param response the response of the platform (Express or Fastify), or of `node:http`. Nothing is put on one that has begun.
   * @param issued what to put there. Tokens without a refresh token leave the client's where it is.
   */
  abstract write(response: object, issued: IssuedTokens): void;

  /** Takes the tokens back that {@link write} has put on a response, unless it has begun. */
  abstract clear(response: object): void;
}
