import type { IncomingMessage, ServerResponse } from 'node:http';
import { OAuthError } from './oauth-error.js';
import { refusalOf } from './oauth-response.js';

const TYPES = ['application/x-www-form-urlencoded', 'application/json'];
const PROBLEM = 'the body is neither application/x-www-form-urlencoded nor application/json';

/**
 * Middleware for OAuth endpoints. Responds `invalid_request` to a body of another type (RFC 6749 §5.2). On Fastify, where it stands before
 * the body is parsed, the response would be 415 without it.
 */
export function requireForm({ headers }: IncomingMessage, response: ServerResponse, next: () => void): void {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  if (TYPES.includes(type.trim().toLowerCase())) {
    next();
    return;
  }
  const refusal = refusalOf(new OAuthError('invalid_request', PROBLEM));
  response.writeHead(refusal.status, refusal.headers).end(refusal.body);
}
