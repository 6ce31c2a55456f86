import type { CookiePlace } from './cookie-place.js';
import type { HeaderPlace } from './header-place.js';
import { ResponseAttachment } from './response-attachment.js';
import { rawResponseOf, ResponseTokens } from './response-tokens.js';
import type { TokenLocation } from './token-location.js';
import type { TokenReader } from './token-readers.js';
import { parameterReader } from './token-readers.js';
import type { Credentials, CsrfCredential, IssuedTokens, TokenRequest } from './token-transport.js';
import { TokenTransport } from './token-transport.js';

/** Where tokens travel: both in headers, both in cookies, or the access token in a header and the refresh token in a cookie. */
export type TransportMode = 'header' | 'cookie' | 'mixed';

/** How an instance sends tokens. */
export interface TransportSettings {
  readonly mode: TransportMode;
  /** Where an access token is looked for, in this order. */
  readonly locations: readonly TokenLocation[];
  /** Whether any token may come in a cookie. */
  readonly usesCookies: boolean;
  /** Response header with the number of seconds for which a new access token is accepted. */
  readonly expiresIn: string;
  /** Request header of the CSRF token. */
  readonly csrfHeader: string;
  /** Whether cookies outlive the browser, unless a sign-in says otherwise. */
  readonly persistent: boolean;
  /** The request headers that a response with tokens depends on, each once. */
  readonly varyOn: readonly string[];
}

/** The places that tokens may travel in. */
export interface TokenPlaces {
  readonly header: HeaderPlace;
  readonly cookie: CookiePlace;
}

/** Reads tokens where the options say, and sends new ones in the same places. */
export class StandardTransport extends TokenTransport {
  private readonly places: TokenPlaces;
  private readonly refreshIn: keyof TokenPlaces;
  private readonly accessIn: keyof TokenPlaces;
  private readonly csrfHeader: string;
  private readonly readers: readonly TokenReader[];
  /** Readers of the routes that look for the access token elsewhere. */
  private readonly routeReaders = new WeakMap<readonly TokenLocation[], readonly TokenReader[]>();
  /** One hook for each response, however often tokens are put on it. */
  private readonly responses = new ResponseAttachment<ResponseTokens>();

  constructor(
    private readonly settings: TransportSettings,
    places: TokenPlaces,
  ) {
    super();
    this.places = places;
    this.refreshIn = settings.mode === 'header' ? 'header' : 'cookie';
    this.accessIn = settings.mode === 'cookie' ? 'cookie' : 'header';
    this.csrfHeader = settings.csrfHeader.toLowerCase();
    this.readers = this.readersOf(settings.locations);
  }

  override read(request: TokenRequest, locations?: readonly TokenLocation[]): Credentials {
    const readers = locations ? this.readersAt(locations) : this.readers;
    const refresh = this.places[this.refreshIn].readRefresh(request);
    for (const reader of readers) {
      const access = reader(request);
      if (access) return refresh ? { access, refresh } : { access };
    }
    return refresh ? { refresh } : {};
  }

  override write(response: object, issued: IssuedTokens, credentials: Credentials = {}): void {
    const tokens = this.responseTokens(response);
    const persistent = issued.persistent ?? credentials.refresh?.persistent ?? this.settings.persistent;
    this.places[this.placeOf(credentials)].writeAccess(tokens, issued, persistent);
    this.places[this.refreshIn].writeRefresh(tokens, issued, persistent);
    const isDeliverable = (): boolean => issued.deliverable !== 'none';
    tokens.setHeader(this.settings.expiresIn, { value: String(issued.expiresIn), isDeliverable });
  }

  override clear(response: object, request?: TokenRequest): void {
    const tokens = this.responseTokens(response);
    tokens.clear();
    if (this.settings.usesCookies) this.places.cookie.clear(tokens, request);
  }

  override readCsrf(request: TokenRequest): CsrfCredential | null {
    if (!this.settings.usesCookies) return null;
    const header = request.headers[this.csrfHeader];
    return { header: typeof header === 'string' ? header : undefined, cookie: this.places.cookie.readCsrf(request) };
  }

  override writeCsrf(response: object, token: string, issued?: IssuedTokens): void {
    this.places.cookie.writeCsrf(this.responseTokens(response), token, issued);
  }

  override heal(response: object, request: TokenRequest, isMismatch = false): void {
    if (this.settings.usesCookies) this.places.cookie.heal(this.responseTokens(response), request, isMismatch);
  }

  /**
   * New access tokens travel where the one of the request did, and where there was none, as the options say. In cookie mode, no header ever
   * carries one: a script of the page could otherwise get it by sending any header.
   */
  private placeOf({ access }: Credentials): keyof TokenPlaces {
    if (this.accessIn === 'cookie') return 'cookie';
    return access?.source === 'header' || access?.source === 'cookie' ? access.source : this.accessIn;
  }

  private readersAt(locations: readonly TokenLocation[]): readonly TokenReader[] {
    const known = this.routeReaders.get(locations) ?? this.readersOf(locations);
    this.routeReaders.set(locations, known);
    return known;
  }

  private readersOf(locations: readonly TokenLocation[]): readonly TokenReader[] {
    const { header, cookie } = this.places;
    return locations.map((location) => {
      if (location === 'header') return (request) => header.readAccess(request);
      if (location === 'cookie') return (request) => cookie.readAccess(request);
      return 'query' in location ? parameterReader('query', location.query) : parameterReader('body', location.body);
    });
  }

  private responseTokens(response: object): ResponseTokens {
    const raw = rawResponseOf(response);
    const known = this.responses.get(raw);
    if (known) return known;
    const tokens = new ResponseTokens(raw, this.settings.varyOn);
    this.responses.set(raw, tokens);
    return tokens;
  }
}
