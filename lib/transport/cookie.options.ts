/** Which sites a browser sends a cookie for (`SameSite`, RFC 6265bis §5.6.7). */
export type CookieSameSite = 'strict' | 'lax' | 'none';

/** `SameSite` of each cookie that carries a token. */
export interface CookieSameSiteOptions {
  /** `SameSite` of the cookie with the access token. @defaultValue 'lax' */
  access?: CookieSameSite;
  /**
   * `SameSite` of the cookie with the refresh token. Pages that the server renders need `'lax'`: a link in a mail would otherwise look like
   * a sign-out. @defaultValue 'strict'
   */
  refresh?: CookieSameSite;
}

/**
 * Names and attributes of the cookies that carry tokens. They are `HttpOnly` and `Secure`. A weaker attribute than the default is logged as
 * a warning at start-up.
 */
export interface CookieOptions {
  /**
   * Name of the cookie with the access token. Letters, digits, hyphens and underscores.
   * @defaultValue '__Host-access', or `'__Host-<name>-access'` in an instance with a name
   */
  access?: string;
  /**
   * Name of the cookie with the refresh token. Letters, digits, hyphens and underscores.
   * @defaultValue '__Host-refresh', or `'__Host-<name>-refresh'` in an instance with a name
   */
  refresh?: string;
  /**
   * Name of the cookie with the CSRF token, which scripts of the page can read. Letters, digits, hyphens and underscores.
   * @defaultValue '__Host-csrf', or `'__Host-<name>-csrf'` in an instance with a name
   */
  csrf?: string;
  /**
   * Also sends the cookies to the subdomains of this domain, such as `example.com`. The default names then begin with `__Secure-`, because
   * a `__Host-` cookie belongs to one host. @defaultValue only the host that has set them
   */
  domain?: string;
  /** Sends the cookies only below this path. With another path than `/`, the default names begin with `__Secure-`. @defaultValue '/' */
  path?: string;
  /** `SameSite` of each cookie. */
  sameSite?: CookieSameSiteOptions;
  /**
   * Whether the cookies outlive the browser. With `false` they have no `Max-Age`, and end with the browser session (“remember me” off).
   * `signIn` can say it for one session. @defaultValue true
   */
  persistent?: boolean;
  /** Keeps a separate set of cookies for each site that embeds the application in a frame (CHIPS). @defaultValue false */
  partitioned?: boolean;
  /**
   * Leaves `Secure` and the prefixes of the names out, so that cookies work over plain http during development. The application refuses to
   * start with it if `NODE_ENV` is `production`. @defaultValue false
   */
  insecure?: boolean;
}

/** Names and attributes of the cookies, checked and complete. */
export interface CookieSettings {
  readonly names: { readonly access: string; readonly refresh: string; readonly csrf: string };
  readonly sameSite: Readonly<Required<CookieSameSiteOptions>>;
  readonly domain: string | undefined;
  readonly path: string;
  readonly secure: boolean;
  readonly partitioned: boolean;
  readonly persistent: boolean;
}
