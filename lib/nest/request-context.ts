import type { ExecutionContext } from '@nestjs/common';
import type { TokenError } from '../errors/token.errors.js';
import type { TokenRequest } from '../transport/token-transport.js';
import { operationOf } from './operation.js';

/** The request of a context that carries none. It has no headers, and so no tokens. */
export const NO_REQUEST: TokenRequest = Object.freeze({ headers: Object.freeze({}) });

/** What a client of a gateway or a microservice learns about a {@link TokenError}. */
export interface MessageFailure {
  readonly status: 'error';
  readonly message: string;
  readonly errorCode: string;
}

/**
 * Port: one operation (a request, a GraphQL operation or a message) as the guard, the interceptor, the filter and the decorators see it.
 */
export abstract class RequestContext {
  /** @param host the context that Nest has made for the operation. */
  constructor(readonly host: ExecutionContext) {}

  /** The request that carries the tokens. A context that carries none has an empty one. */
  abstract readonly request: TokenRequest;
  /** The response of the platform, or `undefined` if none can carry new tokens. Nothing is refreshed then. */
  abstract readonly response: object | undefined;
  /** The object that stands for this one operation. */
  abstract readonly operation: object;
  /** Whether the operation only reads, so that no page can do harm by sending it. */
  abstract readonly isSafe: boolean;

  /** Returns the error in the form that the clients of this kind of context expect. */
  abstract fail(error: TokenError): Error | Promise<Error>;
}

/** Tells whether a method only reads (RFC 9110 §9.2.1). */
export function isSafeMethod(method: string | undefined): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}

/** An HTTP request. */
export class HttpContext extends RequestContext {
  override readonly request: TokenRequest = this.host.switchToHttp().getRequest();

  override get response(): object | undefined {
    return this.host.switchToHttp().getResponse<object | undefined>();
  }

  override get operation(): object {
    return this.request;
  }

  override get isSafe(): boolean {
    return isSafeMethod(this.request.method);
  }

  override fail(error: TokenError): Error {
    return error;
  }
}

/** What Nest passes to a GraphQL resolver: root, arguments, context, info. */
type GraphqlArguments = [
  root: unknown,
  args: unknown,
  context: { req?: Partial<TokenRequest> & { res?: object }; res?: object; reply?: { request: TokenRequest } } | undefined,
  info: { operation?: { operation?: string } } | undefined,
];

/**
 * A GraphQL query or mutation, whose context carries a request (`{ req }`, or Mercurius's `{ reply }`). A subscription has no request here,
 * because it outlives what its request said. No operation counts as safe, because every one can be sent over GET or as a form.
 */
class GraphqlContext extends RequestContext {
  override readonly isSafe = false;

  override get request(): TokenRequest {
    const [, , graphql, info] = this.host.getArgs<GraphqlArguments>();
    if (info?.operation?.operation === 'subscription') return NO_REQUEST;
    const request = graphql?.req ?? graphql?.reply?.request;
    return request?.headers ? (request as TokenRequest) : NO_REQUEST;
  }

  override get response(): object | undefined {
    const [, , graphql] = this.host.getArgs<GraphqlArguments>();
    return graphql?.res ?? graphql?.reply ?? graphql?.req?.res;
  }

  override get operation(): object {
    return operationOf(this.host);
  }

  override fail(error: TokenError): Error {
    return error;
  }
}

/** A message of a gateway or a microservice, or a context of an unknown kind. The payload of a message is not a request. */
class MessageContext extends RequestContext {
  override readonly isSafe = false;
  override readonly request = NO_REQUEST;
  override readonly response = undefined;

  override get operation(): object {
    return operationOf(this.host);
  }

  override async fail(error: TokenError): Promise<Error> {
    const type = this.host.getType<string>();
    // The packages are optional, and are loaded when the first error of their kind occurs.
    if (type === 'ws') return new (await import('@nestjs/websockets')).WsException(messageFailureOf(error));
    if (type === 'rpc') return new (await import('@nestjs/microservices')).RpcException(messageFailureOf(error));
    return error;
  }
}

/** Returns the part of an error that a message can carry. */
export function messageFailureOf({ message, errorCode }: TokenError): MessageFailure {
  return { status: 'error', message, errorCode };
}

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

/** Returns the standard context of an operation by its kind. */
export function standardContextOf(host: ExecutionContext): RequestContext {
  const type = host.getType<string>();
  if (type === 'http') return new HttpContext(host);
  return type === 'graphql' ? new GraphqlContext(host) : new MessageContext(host);
}
