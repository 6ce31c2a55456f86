/** Routes that the module adds to the application. Each one is there only if it is asked for. */
export interface EndpointOptions {
  /**
   * Path of the routes `token`, `revoke`, `introspect`, `logout`, `logout-all` and `sessions`, such as `auth` or `api/auth`. They are
   * controllers, so the global prefix of the application stands before it. They have no version.
   * @defaultValue 'auth'
   */
  path?: string;
  /**
   * Adds `POST token`: the refresh grant of OAuth 2.0 (RFC 6749 §6), for any OAuth client library. The refresh token is in the body, and
   * the new pair too, whatever `transport` is. @defaultValue false
   */
  token?: boolean;
  /**
   * Adds `POST revoke` (RFC 7009). A refresh token and an access token both end their session. @defaultValue false
   */
  revoke?: boolean;
  /**
   * Adds `POST introspect` (RFC 7662), where other services ask whether an access token is good. They are the `clients` of the options.
   * @defaultValue false
   */
  introspect?: boolean;
  /** Adds `POST logout`, which ends the session of the refresh token, of the access token, or of both. @defaultValue false */
  logout?: boolean;
  /** Adds `POST logout-all`, which ends all sessions of the caller. @defaultValue false */
  logoutAll?: boolean;
  /**
   * Adds `GET sessions`, which lists the caller's own sessions, and `DELETE sessions/:id`, which ends one of them. @defaultValue false
   */
  sessions?: boolean;
  /**
   * Whether `POST token` and `POST revoke` require that the client authenticates as one of the `clients`. Without it, a client may do so,
   * and one that has no secret need not. `POST introspect` always requires it. @defaultValue false
   */
  requireClient?: boolean;
  /**
   * Publishes where these endpoints are (RFC 8414), so that OAuth client libraries find them: `true` at
   * `/.well-known/oauth-authorization-server`, to which the path of the issuer is added, a text at another path. The addresses begin with
   * the origin of the issuer, which must be an address. Like `jwks`, it is a route of the server itself.
   * @defaultValue nothing is published
   */
  metadata?: boolean | string;
  /**
   * Publishes the public keys of the access tokens, so that other services can verify them: `true` at `/.well-known/jwks.json`, a text at
   * another path, which begins with `/`. Neither a global prefix nor a version of the application changes the path, and its guards and
   * interceptors do not see the request.
   * @defaultValue nothing is published
   */
  jwks?: boolean | string;
  /**
   * Decorators for the controllers of these routes. With them the guards of the application, which see these requests too, know them:
   * `[SetMetadata('isPublic', true), SkipThrottle()]`. They cannot open a route that needs an access token.
   * @defaultValue none
   */
  decorators?: ClassDecorator[];
}

/** The endpoints with their defaults. */
export interface ResolvedEndpoints {
  /** Without a `/` at its beginning. */
  readonly path: string;
  /** Which of the routes below the path are there. */
  readonly routes: readonly EndpointRoute[];
  readonly requireClient: boolean;
  /** Null if it is not published. */
  readonly metadataPath: string | null;
  /** Null if it is not published. */
  readonly jwksPath: string | null;
  readonly decorators: readonly ClassDecorator[];
}

/** The routes below the path of the endpoints, by the names of their options. */
export const ENDPOINT_ROUTES = {
  token: 'token',
  revoke: 'revoke',
  introspect: 'introspect',
  logout: 'logout',
  logoutAll: 'logout-all',
  sessions: 'sessions',
} as const satisfies Partial<Record<keyof EndpointOptions, string>>;

/** The name of a route below the path of the endpoints. */
export type EndpointRoute = keyof typeof ENDPOINT_ROUTES;
