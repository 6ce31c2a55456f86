import type { HttpServer } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';

/** What Fastify passes to a hook that runs when a request arrives. */
type RequestHook = (request: { readonly raw: IncomingMessage }, reply: object, done: () => void) => void;

/** The replies of Fastify, by the requests of `node:http`. */
const REPLIES = new WeakMap<object, object>();
/** The servers whose replies are remembered. Two module instances share a server. */
const SERVERS = new WeakSet<object>();

/**
 * Makes {@link replyTo} know the replies of a server, if it is Fastify. A request of Fastify does not know its reply, and Apollo hands only
 * the request to resolvers, unless the application makes a context of its own. Express needs nothing: its requests know their responses.
 */
export function rememberReplies(server: HttpServer): void {
  if (server.getType() !== 'fastify' || SERVERS.has(server)) return;
  SERVERS.add(server);
  const fastify = server.getInstance() as { addHook(name: 'onRequest', hook: RequestHook): void };
  fastify.addHook('onRequest', (request, reply, done) => {
    REPLIES.set(request.raw, reply);
    done();
  });
}

/** Returns Fastify's reply to a request of Fastify or of `node:http`, or `undefined`. */
export function replyTo(request: { readonly raw?: unknown }): object | undefined {
  return REPLIES.get(request.raw ?? request);
}
