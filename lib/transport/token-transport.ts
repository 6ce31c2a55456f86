import type { ServerResponse } from 'node:http';
import type { TokenRequest } from '../nest/request-context.js';
import type { TokenPair } from '../session/token-pair.js';
import type { HeaderOptions } from './header.options.js';
import { rawResponseOf, ResponseTokens } from './response-headers.js';

/** Where tokens travel: taken from request headers, put on the response in headers of the same names. */
export class TokenTransport {
  private readonly access: string;
  private readonly refresh: string;
  /** The scheme and its space, or nothing: a bare token. */
  private readonly prefix: string;
  /** One hook per response, however often tokens are put on it. */
  private readonly responses = new WeakMap<ServerResponse, ResponseTokens>();

  /** @param names header names and scheme, checked. */
  constructor(private readonly names: Required<HeaderOptions>) {
    this.access = names.access.toLowerCase();
    this.refresh = names.refresh.toLowerCase();
    this.prefix = names.scheme === '' ? '' : `${names.scheme} `;
  }

  /**
   * The access token that came with a request: all that follows `<scheme> ` (RFC 6750 §2.1; the scheme in any case, RFC 9110 §11.1).
   * @returns undefined when there is none, when it is literally `null` or `undefined`, or when the credential is of another scheme. What is
   * returned is not verified in any way.
   */
  accessToken(request: TokenRequest): string | undefined {
    const value = request.headers[this.access];
    const { prefix } = this;
    if (typeof value !== 'string' || value.length <= prefix.length) return undefined;
    if (!value.startsWith(prefix) && value.slice(0, prefix.length).toLowerCase() !== prefix.toLowerCase()) return undefined;
    return present(value.slice(prefix.length));
  }

  /** The refresh token that came with a request, or undefined. Not verified in any way. */
  refreshToken(request: TokenRequest): string | undefined {
    const value = request.headers[this.refresh];
    return typeof value === 'string' && value !== '' ? present(value) : undefined;
  }

  /**
   * Puts a pair on a response, at once and uncacheable. A pair without a refresh token leaves the client's where it is. When the head of
   * the response is written, tokens that must not be delivered any more are taken off (docs/rotation.md §5.4). Nothing is put on a
   * response that has begun.
   */
  write(response: object, pair: TokenPair): void {
    const tokens = this.responseTokens(response);
    const isAlive = (): boolean => pair.deliverable !== 'none';
    tokens.set(this.names.access, { value: this.prefix + pair.accessToken, isDeliverable: isAlive });
    if (pair.refreshToken !== undefined) {
      tokens.set(this.names.refresh, { value: pair.refreshToken, isDeliverable: () => pair.deliverable === 'both' });
    }
    tokens.set(this.names.expiresIn, { value: String(pair.expiresIn), isDeliverable: isAlive });
  }

  private responseTokens(response: object): ResponseTokens {
    const raw = rawResponseOf(response);
    const known = this.responses.get(raw) ?? new ResponseTokens(raw, [this.names.access, this.names.refresh]);
    this.responses.set(raw, known);
    return known;
  }
}

/** `null` and `undefined` as text are what a front end sends that has no token: the credential counts as absent. */
function present(token: string): string | undefined {
  return token === 'null' || token === 'undefined' ? undefined : token;
}
