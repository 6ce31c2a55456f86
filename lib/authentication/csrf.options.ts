import type { TokenSecret } from '../keys/key.options.js';

/** Options of the protection against cross-site request forgery (CSRF). Only requests whose tokens come from cookies are checked. */
export interface CsrfOptions {
  /**
   * How requests are checked. `auto`: `Sec-Fetch-Site` or `Origin` must say that the request comes from the application's own origin. If it
   * carries neither header, it must carry the CSRF token. `token`: it must carry the CSRF token in any case.
   * @defaultValue 'auto'
   */
  mode?: 'auto' | 'token';
  /**
   * Other origins of the same site whose pages may send requests, such as `https://app.example.com`. A list of them, or one.
   * @defaultValue none
   */
  origins?: string | string[];
  /**
   * Whether requests from every subdomain of the same site pass. One captured subdomain is then enough to forge requests.
   * @defaultValue false
   */
  trustSameSite?: boolean;
  /** Request header of the CSRF token. Letters, digits and hyphens. @defaultValue 'X-CSRF-Token' */
  header?: string;
  /**
   * Secret of the CSRF tokens. At least 32 bytes. It is needed only with `sessions: false`, `keys` and cookies. Otherwise their key is
   * derived from `secret`, or from the keys of the refresh tokens. @defaultValue derived
   */
  secret?: TokenSecret | undefined;
}

/** How requests are judged, checked and complete. */
export interface CsrfSettings {
  readonly mode: 'auto' | 'token';
  readonly origins: ReadonlySet<string>;
  readonly trustSameSite: boolean;
  /** Whether the own origin may be one of plain http. */
  readonly allowHttp: boolean;
}
