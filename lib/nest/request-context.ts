import type { ExecutionContext } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Principal } from '../principal/principal.js';

/** What this package reads and sets on a request, whatever the platform. */
export interface TokenRequest {
  readonly headers: IncomingMessage['headers'];
  readonly method?: string;
  /** Set by the guard. */
  user?: Principal | undefined;
}

/** What Nest passes to a GraphQL resolver: root, arguments, context, info. */
type GraphqlArguments = [
  root: unknown,
  args: unknown,
  context: { req?: Partial<TokenRequest> & { res?: object }; res?: object; reply?: { request: TokenRequest } } | undefined,
  info: { operation?: { operation?: string } } | undefined,
];

/**
 * The request of a context: of HTTP, or of a GraphQL query or mutation whose context carries one (`{ req }`, or Mercurius's `{ reply }`).
 * `undefined` in every other context: a message's payload is not a request, and a subscription outlives what its request said.
 */
export function requestOf(context: ExecutionContext): TokenRequest | undefined {
  const type = context.getType<string>();
  if (type === 'http') return context.switchToHttp().getRequest<TokenRequest>();
  if (type !== 'graphql') return undefined;
  const [, , graphql, info] = context.getArgs<GraphqlArguments>();
  if (info?.operation?.operation === 'subscription') return undefined;
  const request = graphql?.req ?? graphql?.reply?.request;
  return request?.headers ? (request as TokenRequest) : undefined;
}

/** Responses of operations as a subclass of the guard sees them. */
const RESPONSES = new WeakMap<object, object | undefined>();

/** Makes {@link responseOf} return this response for the operation, also where the guard is not: in the interceptor. */
export function rememberResponse(context: ExecutionContext, response: object | undefined): void {
  RESPONSES.set(operationOf(context), response);
}

/** The response of a context, or `undefined` where there is none that could take headers. */
export function responseOf(context: ExecutionContext): object | undefined {
  const operation = operationOf(context);
  return RESPONSES.has(operation) ? RESPONSES.get(operation) : responseIn(context);
}

function responseIn(context: ExecutionContext): object | undefined {
  const type = context.getType<string>();
  if (type === 'http') return context.switchToHttp().getResponse<object>();
  if (type !== 'graphql') return undefined;
  const [, , graphql] = context.getArgs<GraphqlArguments>();
  return graphql?.res ?? graphql?.reply ?? graphql?.req?.res;
}

/**
 * The object that stands for one operation, never for a whole connection: the request (HTTP), the context of one operation (GraphQL), the
 * context of one message (microservices), the payload of one message (WebSocket; the client where the payload is no object).
 */
export function operationOf(context: ExecutionContext): object {
  const [first, second, third] = context.getArgs<unknown[]>();
  const candidates = { http: [first], graphql: [third], rpc: [second, first], ws: [second, first] }[context.getType<string>()] ?? [first];
  return candidates.find((candidate): candidate is object => typeof candidate === 'object' && candidate !== null) ?? context;
}
