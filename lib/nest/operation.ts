import type { ExecutionContext } from '@nestjs/common';
import { resolverArgumentsOf } from './resolver-arguments.js';

/**
 * Returns the object that stands for one operation, never for a whole connection. That is the request (HTTP), the context of one operation
 * (GraphQL), the context of one message (microservices), or the payload of one message (WebSocket). If the payload of a WebSocket message
 * is no object, it is the client.
 */
export function operationOf(context: ExecutionContext): object {
  return candidatesOf(context).find((candidate) => typeof candidate === 'object' && candidate !== null) ?? context;
}

function candidatesOf(context: ExecutionContext): unknown[] {
  const [first, second] = context.getArgs<unknown[]>();
  switch (context.getType<string>()) {
    case 'graphql':
      return [resolverArgumentsOf(context).context];
    case 'rpc':
    case 'ws':
      return [second, first];
    default:
      return [first];
  }
}
