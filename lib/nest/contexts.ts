import type { ExecutionContext } from '@nestjs/common';
import { GraphqlContext } from './graphql-context.js';
import { graphqlConnectionOf } from './graphql-socket.js';
import { GraphqlSocketContext } from './graphql-socket-context.js';
import { HttpContext } from './http-context.js';
import { operationOf } from './operation.js';
import type { RequestContext } from './request-context.js';
import { RpcContext } from './rpc-context.js';
import { UnknownContext } from './unknown-context.js';
import { WebSocketContext } from './websocket-context.js';

/** The contexts of operations for which a guard has replaced the standard context. */
const OWN_CONTEXTS = new WeakMap<object, RequestContext>();

/** Makes {@link contextOf} return this context for its operation, in the interceptor, the filter and the decorators too. */
export function rememberContext(context: RequestContext): void {
  OWN_CONTEXTS.set(operationOf(context.host), context);
}

/** Returns the context that a guard has made for an operation, or else the standard one of its kind. */
export function contextOf(host: ExecutionContext): RequestContext {
  return OWN_CONTEXTS.get(operationOf(host)) ?? standardContextOf(host);
}

/** The classes of the standard contexts of everything but HTTP, by what Nest calls the kind of an operation. */
const KINDS: Readonly<Record<string, new (host: ExecutionContext) => RequestContext>> = {
  graphql: GraphqlContext,
  ws: WebSocketContext,
  rpc: RpcContext,
};

/** Returns the standard context of an operation by its kind. */
export function standardContextOf(host: ExecutionContext): RequestContext {
  const type = host.getType<string>();
  if (type === 'http') return new HttpContext(host);
  if (type === 'graphql' && graphqlConnectionOf(host)) return new GraphqlSocketContext(host);
  const Kind = (Object.hasOwn(KINDS, type) ? KINDS[type] : undefined) ?? UnknownContext;
  return new Kind(host);
}
