import type { HeaderOptions } from './header.options.js';
import type { ResponseTokens } from './response-tokens.js';
import { isAbsent } from './token-readers.js';
import type { Credential, IssuedTokens, TokenRequest } from './token-transport.js';

/** The token type of responses and challenges (RFC 6749 §7.1): the scheme of the header, or `Bearer` if it holds a bare token. */
export function tokenTypeOf({ scheme }: Required<HeaderOptions>): string {
  return scheme || 'Bearer';
}

/** Tokens in request headers, and new ones in response headers of the same names. */
export class HeaderPlace {
  private readonly access: string;
  private readonly refresh: string;
  /** The scheme and a space, or nothing where the header holds a bare token. */
  private readonly prefix: string;

  /** @param names header names and scheme, checked. */
  constructor(private readonly names: Required<HeaderOptions>) {
    this.access = names.access.toLowerCase();
    this.refresh = names.refresh.toLowerCase();
    this.prefix = names.scheme === '' ? '' : `${names.scheme} `;
  }

  /**
   * All that follows `<scheme> ` (RFC 6750 §2.1), the scheme in upper or lower case (RFC 9110 §11.1). A credential of another scheme is
   * none.
   */
  readAccess({ headers }: TokenRequest): Credential | undefined {
    const { prefix } = this;
    const value = headers[this.access];
    if (typeof value !== 'string' || value.length <= prefix.length) return undefined;
    if (!value.startsWith(prefix) && value.slice(0, prefix.length).toLowerCase() !== prefix.toLowerCase()) return undefined;
    return credential(value.slice(prefix.length), this.names.scheme);
  }

  readRefresh({ headers }: TokenRequest): Credential | undefined {
    return credential(headers[this.refresh]);
  }

  writeAccess(tokens: ResponseTokens, issued: IssuedTokens): void {
    const isDeliverable = (): boolean => issued.deliverable !== 'none';
    tokens.setHeader(this.names.access, { value: this.prefix + issued.accessToken, isDeliverable });
  }

  writeRefresh(tokens: ResponseTokens, issued: IssuedTokens): void {
    if (issued.refreshToken === undefined) return;
    tokens.setHeader(this.names.refresh, { value: issued.refreshToken, isDeliverable: () => issued.deliverable === 'both' });
  }
}

function credential(token: string | string[] | undefined, scheme?: string): Credential | undefined {
  if (typeof token !== 'string' || isAbsent(token)) return undefined;
  return scheme === undefined ? { token, source: 'header' } : { token, source: 'header', scheme };
}
