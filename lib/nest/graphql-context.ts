import type { TokenError } from '../errors/token.errors.js';
import type { TokenRequest } from '../transport/token-transport.js';
import { operationOf } from './operation.js';
import { NO_REQUEST, RequestContext } from './request-context.js';

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
export class GraphqlContext extends RequestContext {
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
