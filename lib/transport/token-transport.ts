import type { IncomingMessage } from 'node:http';
import type { Principal } from '../principal/principal.js';
import type { Deliverable } from '../session/delivery.js';
import type { TokenLocation } from './token-location.js';

/** What this package reads from a request and sets on it, on every platform. */
export interface TokenRequest {
  readonly headers: IncomingMessage['headers'];
  readonly method?: string;
  readonly url?: string;
  /** The address as the client has sent it. A part of the application that is mounted on a path sees only the rest in `url`. */
  readonly originalUrl?: string;
  /** The host and port that the client has asked for, as the platform sees it behind trusted proxies. */
  readonly host?: string;
  /** The parsed query. */
  readonly query?: unknown;
  /** The parsed body. */
  readonly body?: unknown;
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
  /**
   * The other values that cookies of the same name have. They were set for other paths or domains, perhaps by an earlier version of the
   * application, perhaps by an attacker on a subdomain. Absent if there are none.
   */
  readonly rivals?: readonly string[];
  /** Whether the cookie of a refresh token outlives the browser. The next one does the same. Absent if the token came from elsewhere. */
  readonly persistent?: boolean;
}

/** The tokens that came with a request. */
export interface Credentials {
  readonly access?: Credential;
  readonly refresh?: Credential;
}

/** The CSRF token of a request. Nothing of it has been verified. */
export interface CsrfCredential {
  /** What the header says. Scripts of other sites cannot set it. */
  readonly header?: string | undefined;
  /** What the cookie says. It is only read to know whether the browser still has one. */
  readonly cookie?: string | undefined;
}

/** The tokens that a response carries, and which of them may still be delivered. A `TokenPair` is one. */
export interface IssuedTokens {
  readonly accessToken: string;
  /** Absent if the client already holds the current one. */
  readonly refreshToken?: string | undefined;
  /** The number of seconds for which the access token is accepted. A whole number. */
  readonly expiresIn: number;
  /** The number of seconds until the session expires if it is not refreshed. A whole number. Absent if there is no session. */
  readonly refreshExpiresIn?: number | undefined;
  /** Whether cookies with these tokens outlive the browser. `undefined` leaves it as it was, or as the options say. */
  readonly persistent?: boolean | undefined;
  /** What a response that is written now may carry (docs/rotation.md §5.4). It is read when the head of the response is written. */
  readonly deliverable: Deliverable;
}

/**
 * Port: where tokens travel. `StandardTransport` puts them into headers, cookies, or one of each. Inject it to read the tokens of a request
 * in a handler of your own. Replace it with `overrideProvider(TokenTransport)`.
 */
export abstract class TokenTransport {
  /**
   * Finds the tokens that came with a request. It verifies nothing.
   * @param locations where to look for the access token, in this order. By default, where the options say.
   */
  abstract read(request: TokenRequest, locations?: readonly TokenLocation[]): Credentials;

  /**
   * Puts tokens on a response at once, and makes the response uncacheable. What the application has put on the response stays.
   * @param response the response of the platform (Express or Fastify), or of `node:http`. If it has begun already, nothing is put on it.
   * @param issued the tokens. If there is no refresh token among them, the client keeps the one that it has.
   * @param credentials the tokens that came with the request. The new ones travel in the same places.
   */
  abstract write(response: object, issued: IssuedTokens, credentials?: Credentials): void;

  /**
   * Removes the tokens that {@link write} has put on a response, and makes the browser delete its cookies, unless the response has begun.
   * @param request the request whose refresh token a final verdict has found worthless. The browser then also deletes the cookies that were
   * set for other paths or domains.
   */
  abstract clear(response: object, request?: TokenRequest): void;

  /** Returns the CSRF token that came with a request, in its header and in its cookie. Null if this transport uses no cookies. */
  readCsrf(_request: TokenRequest): CsrfCredential | null {
    return null;
  }

  /**
   * Puts a CSRF token on a response, in a cookie that the scripts of the page can read.
   * @param _issued the tokens that the response carries as well. If they must not be delivered any more, the CSRF token goes with them.
   */
  writeCsrf(_response: object, _token: string, _issued?: IssuedTokens): void {}

  /**
   * Makes the browser delete shadows: cookies that have a name of this instance, but were set for another path or domain.
   * @param _isMismatch whether the request was refused with `session_mismatch`. The browser then also deletes the cookie of the access
   * token, which has expired.
   */
  heal(_response: object, _request: TokenRequest, _isMismatch?: boolean): void {}
}
