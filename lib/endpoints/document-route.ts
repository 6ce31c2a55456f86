import type { HttpServer } from '@nestjs/common';
import { hash } from 'node:crypto';

/** How long a client may keep a document, in seconds. A new key must be published for longer than this before it signs. */
const MAX_AGE = 300;

/** A request, as Express and Fastify hand it to a handler. */
interface DocumentRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/**
 * Adds a route to the server that publishes a JSON document with caching headers, before the routes of the application are there. It is no
 * controller, because the place of a well-known URI is the root of the host (RFC 8615 §3), and its form must not depend on the guards,
 * interceptors, prefixes and versions of the application.
 */
export function publish(server: HttpServer, path: string, document: () => object): void {
  server.get(path, ({ headers }: DocumentRequest, response: object) => {
    const body = JSON.stringify(document());
    const etag = `"${hash('sha256', body, 'base64url')}"`;
    server.setHeader(response, 'Cache-Control', `public, max-age=${MAX_AGE}`);
    server.setHeader(response, 'ETag', etag);
    if (matches(headers['if-none-match'], etag)) {
      server.reply(response, '', 304);
      return;
    }
    server.setHeader(response, 'Content-Type', 'application/json; charset=utf-8');
    server.reply(response, body, 200);
  });
}

/** Compares as RFC 9110 §13.1.2 says: weakly, with each tag of the list. */
function matches(header: string | string[] | undefined, etag: string): boolean {
  const tags = String(header ?? '').split(',');
  return tags.some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}
