import type { HttpServer } from '@nestjs/common';
import type { AccessTokenService } from '../access-token/access-token.service.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import { publish } from './document-route.js';
import { takePath } from './taken-paths.js';

/** `GET /.well-known/jwks.json`: the public keys of an instance (RFC 7517 §5). It is a route of the server itself. */
export class JwksEndpoint {
  constructor(
    private readonly path: string,
    private readonly accessTokens: AccessTokenService,
  ) {}

  /**
   * Adds the route to a server, before the routes of the application are there.
   * @throws {TokenOptionsError} if there is no public key to publish, or another instance has taken the path.
   */
  mount(server: HttpServer): void {
    if (this.accessTokens.jwks().keys.length === 0) {
      throw new TokenOptionsError(
        'endpoints.jwks',
        'has nothing to publish, because secrets are never published: sign with a key pair in `keys`',
      );
    }
    takePath(server, 'endpoints.jwks', this.path);
    publish(server, this.path, () => this.accessTokens.jwks());
  }
}
