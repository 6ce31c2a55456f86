import type { ServerResponse } from 'node:http';
import type { HeaderOptions } from './header.options.js';
import { rawResponseOf, ResponseTokens, VARY } from './response-headers.js';
import type { Credential, Credentials, IssuedTokens, TokenRequest } from './token-transport.js';
import { TokenTransport } from './token-transport.js';

/** The token type of responses and challenges (RFC 6749 §7.1): the scheme of the header, or `Bearer` if it holds a bare token. */
export function tokenTypeOf({ scheme }: Required<HeaderOptions>): string {
  return scheme || 'Bearer';
}

/** Reads tokens from request headers, and writes new ones to response headers of the same names. */
export class HeaderTransport extends TokenTransport {
  private readonly access: string;
  private readonly refresh: string;
  /** The scheme and a space, or nothing where the header holds a bare token. */
  private readonly prefix: string;
  /** The request headers that a response with tokens depends on. */
  private readonly varyOn: readonly string[];
  /** One hook for each response, however often tokens are put on it. */
  private readonly responses = new WeakMap<ServerResponse, ResponseTokens>();

  /** @param names header names and scheme, checked. */
  constructor(private readonly names: Required<HeaderOptions>) {
    super();
    this.access = names.access.toLowerCase();
    this.refresh = names.refresh.toLowerCase();
    this.prefix = names.scheme === '' ? '' : `${names.scheme} `;
    const listed = new Set(VARY.map((name) => name.toLowerCase()));
    this.varyOn = [...VARY, ...[names.access, names.refresh].filter((name) => !listed.has(name.toLowerCase()))];
  }

  override read({ headers }: TokenRequest): Credentials {
    const access = this.accessCredential(headers[this.access]);
    const refresh = credential(headers[this.refresh]);
    return refresh ? { ...(access && { access }), refresh } : access ? { access } : {};
  }

  override write(response: object, issued: IssuedTokens): void {
    const tokens = this.responseTokens(response);
    const isAlive = (): boolean => issued.deliverable !== 'none';
    tokens.set(this.names.access, { value: this.prefix + issued.accessToken, isDeliverable: isAlive });
    if (issued.refreshToken !== undefined) {
      tokens.set(this.names.refresh, { value: issued.refreshToken, isDeliverable: () => issued.deliverable === 'both' });
    }
    tokens.set(this.names.expiresIn, { value: String(issued.expiresIn), isDeliverable: isAlive });
  }

  override clear(response: object): void {
    this.responses.get(rawResponseOf(response))?.clear();
  }

  /** All that follows `<scheme> ` (RFC 6750 §2.1), the scheme in upper or lower case (RFC 9110 §11.1). A credential of another scheme is none. */
  private accessCredential(value: string | string[] | undefined): Credential | undefined {
    const { prefix } = this;
    if (typeof value !== 'string' || value.length <= prefix.length) return undefined;
    if (!value.startsWith(prefix) && value.slice(0, prefix.length).toLowerCase() !== prefix.toLowerCase()) return undefined;
    return credential(value.slice(prefix.length), this.names.scheme);
  }

  private responseTokens(response: object): ResponseTokens {
    const raw = rawResponseOf(response);
    const known = this.responses.get(raw) ?? new ResponseTokens(raw, this.varyOn);
    this.responses.set(raw, known);
    return known;
  }
}

/** A front end that has no token sends `null` or `undefined` as a text: the credential counts as absent. */
function credential(token: string | string[] | undefined, scheme?: string): Credential | undefined {
  if (typeof token !== 'string' || token === '' || token === 'null' || token === 'undefined') return undefined;
  return scheme === undefined ? { token, source: 'header' } : { token, source: 'header', scheme };
}
