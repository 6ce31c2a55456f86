/** Routes that the module adds to the application. Each one is there only if it is asked for. */
export interface EndpointOptions {
  /**
   * Publishes the public keys of the access tokens, so that other services can verify them: `true` at `/.well-known/jwks.json`, a text at
   * another path, which begins with `/`. Neither a global prefix nor a version of the application changes the path, and its guards and
   * interceptors do not see the request.
   * @defaultValue nothing is published
   */
  jwks?: boolean | string;
}
