import type { ExecutionContext } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Principal } from './principal/principal.js';

/** What this package reads and sets on a request, whatever the platform. */
export interface TokenRequest {
  readonly headers: IncomingMessage['headers'];
  readonly method?: string;
  /** Set by the guard. */
  user?: Principal | undefined;
}

/** The request of a context: of HTTP, or of a GraphQL context that carries one (`{ req }` or Mercurius's `{ reply }`). */
export function requestOf(context: ExecutionContext): TokenRequest {
  if (context.getType<string>() !== 'graphql') return context.switchToHttp().getRequest<TokenRequest>();
  const graphql = context.getArgByIndex<{ req?: TokenRequest; reply?: { request: TokenRequest } }>(2);
  return graphql.req ?? graphql.reply?.request ?? { headers: {} };
}

/** The response of a context, or undefined where there is none to put headers on (WebSocket, RPC). */
export function responseOf(context: ExecutionContext): object | undefined {
  const type = context.getType<string>();
  if (type === 'http') return context.switchToHttp().getResponse<object>();
  if (type !== 'graphql') return undefined;
  const graphql = context.getArgByIndex<{ req?: { res?: object }; res?: object; reply?: object }>(2);
  return graphql.res ?? graphql.reply ?? graphql.req?.res;
}
