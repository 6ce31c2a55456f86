import { TokenOptionsError } from '../errors/token.errors.js';
import { rawResponseOf } from '../transport/response-tokens.js';
import type { TokenRequest } from '../transport/token-transport.js';
import { replyTo } from './fastify-replies.js';
import { isIncoming, receivedBy } from './graphql-socket.js';
import { NO_REQUEST, RequestContext } from './request-context.js';
import { resolverArgumentsOf } from './resolver-arguments.js';

/** A request as drivers and applications put it into the context. Express's knows its response. */
type GraphqlRequest = TokenRequest & { readonly res?: unknown; readonly raw?: unknown };

/** The members of the context that are looked at. Apollo's has `req`, Mercurius's `reply`, and applications add `res`. */
interface OperationContext {
  readonly req?: Partial<GraphqlRequest>;
  readonly res?: unknown;
  readonly reply?: { readonly request?: Partial<GraphqlRequest> };
}

/**
 * A GraphQL query or mutation, whose context carries a request (`{ req }`, or Mercurius's `{ reply }`). A subscription has no request here,
 * because it outlives what its request said. No operation counts as safe, because every one can be sent over GET or as a form.
 */
export class GraphqlContext extends RequestContext {
  override readonly isSafe = false;

  override get request(): TokenRequest {
    const { info } = resolverArgumentsOf(this.host);
    if ((info as { operation?: { operation?: string } } | undefined)?.operation?.operation === 'subscription') return NO_REQUEST;
    const request = this.httpRequest;
    return request ? (isUpgrade(request) ? asReceived(request) : request) : NO_REQUEST;
  }

  /** Where an operation comes over a WebSocket, the context may hold an object that only looks like a reply. It takes no headers. */
  override get response(): object | undefined {
    const { res, reply } = this.operationContext;
    const request = this.httpRequest;
    if (request && isUpgrade(request)) return undefined;
    return [res, reply, request?.res, request && replyTo(request)].find(takesHeaders);
  }

  private get httpRequest(): GraphqlRequest | undefined {
    const { req, reply } = this.operationContext;
    requireOwnContext(req?.raw, reply?.request?.raw);
    const request = req ?? reply?.request;
    return request?.headers ? (request as GraphqlRequest) : undefined;
  }

  private get operationContext(): OperationContext {
    return resolverArgumentsOf(this.host).context ?? {};
  }
}

/**
 * Mercurius gets a context that is no function as one object for all requests, to which Nest adds the first request for good.
 * @throws {TokenOptionsError} instead of taking every caller for the first one.
 */
function requireOwnContext(requested: unknown, answered: unknown): void {
  if (requested === undefined || answered === undefined || requested === answered) return;
  throw new TokenOptionsError('GraphQLModule', 'has one context for all requests: make `context` a function that returns a new object');
}

/** Tells whether a request has opened a WebSocket. Its response cannot carry anything any more. */
function isUpgrade({ headers }: GraphqlRequest): boolean {
  return 'sec-websocket-key' in headers;
}

/** Mercurius adds what a client sends in `connection_init` to the headers of the request, so the headers count as they have arrived. */
function asReceived(request: GraphqlRequest): TokenRequest {
  const raw = request.raw ?? request;
  return isIncoming(raw) ? { headers: receivedBy(raw).headers, method: 'GET' } : NO_REQUEST;
}

function takesHeaders(candidate: unknown): candidate is object {
  if (typeof candidate !== 'object' || candidate === null) return false;
  return typeof (rawResponseOf(candidate) as { setHeader?: unknown }).setHeader === 'function';
}
