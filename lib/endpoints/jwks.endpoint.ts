import type { HttpServer } from '@nestjs/common';
import { hash } from 'node:crypto';
import type { AccessTokenService } from '../access-token/access-token.service.js';
import { TokenOptionsError } from '../errors/token.errors.js';

/** How long a client may keep the document, in seconds. A new key must be published for longer than this before it signs. */
const MAX_AGE = 300;

/** The paths that are taken, for each server. */
const TAKEN = new WeakMap<object, Set<string>>();

/** A request, as Express and Fastify hand it to a handler. */
interface JwksRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/**
 * `GET /.well-known/jwks.json`: the public keys of an instance (RFC 7517 §5). It is a route of the server itself and not of a controller,
 * because the place of a well-known URI is the root of the host (RFC 8615 §3), and its form must not depend on the guards, interceptors,
 * prefixes and versions of the application.
 */
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
    const taken = TAKEN.get(server) ?? new Set();
    if (taken.has(this.path)) {
      throw new TokenOptionsError(
        'endpoints.jwks',
        `another instance publishes its keys at ${this.path} too: give one of them another path`,
      );
    }
    TAKEN.set(server, taken.add(this.path));
    server.get(this.path, (request: JwksRequest, response: object) => this.respond(request, response, server));
  }

  private respond({ headers }: JwksRequest, response: object, server: HttpServer): void {
    const body = JSON.stringify(this.accessTokens.jwks());
    const etag = `"${hash('sha256', body, 'base64url')}"`;
    server.setHeader(response, 'Cache-Control', `public, max-age=${MAX_AGE}`);
    server.setHeader(response, 'ETag', etag);
    if (matches(headers['if-none-match'], etag)) {
      server.reply(response, '', 304);
      return;
    }
    server.setHeader(response, 'Content-Type', 'application/json; charset=utf-8');
    server.reply(response, body, 200);
  }
}

/** Compares as RFC 9110 §13.1.2 says: weakly, with each tag of the list. */
function matches(header: string | string[] | undefined, etag: string): boolean {
  const tags = String(header ?? '').split(',');
  return tags.some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}
