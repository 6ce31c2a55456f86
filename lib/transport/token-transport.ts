import type { IncomingMessage } from 'node:http';
import type { Principal } from '../principal/principal.js';
import type { Deliverable } from '../session/delivery.js';

/** What this package reads from a request and sets on it, on every platform. */
export interface TokenRequest {
  readonly headers: IncomingMessage['headers'];
  readonly method?: string;
  /** The caller. The guard sets it. */
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

/** The tokens that a response carries, and which of them may still be delivered. A `TokenPair` is one. */
export interface IssuedTokens {
  readonly accessToken: string;
  /** Absent if the client already holds the current one. */
  readonly refreshToken?: string | undefined;
  /** The number of seconds for which the access token is accepted. A whole number. */
  readonly expiresIn: number;
  /** What a response that is written now may carry (docs/rotation.md §5.4). It is read when the head of the response is written. */
  readonly deliverable: Deliverable;
}

/**
 * Port: where tokens travel. Headers are one implementation. Inject it to read the tokens of a request in a handler of your own. Replace it
 * with `overrideProvider(TokenTransport)`.
 */
export abstract class TokenTransport {
  /** Finds the tokens that came with a request. It verifies nothing. */
  abstract read(request: TokenRequest): Credentials;

  /**
   * Puts tokens on a response at once, and makes the response uncacheable. What the application has put on the response stays.
   * @param response the response of the platform (Express or Fastify), or of `node:http`. If it has begun already, nothing is put on it.
   * @param issued the tokens. If there is no refresh token among them, the client keeps the one that it has.
   */
  abstract write(response: object, issued: IssuedTokens): void;

  /** Removes the tokens that {@link write} has put on a response, unless the response has begun. */
  abstract clear(response: object): void;
}
