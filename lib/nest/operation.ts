import type { ExecutionContext } from '@nestjs/common';

/**
 * Returns the object that stands for one operation, never for a whole connection. That is the request (HTTP), the context of one operation
 * (GraphQL), the context of one message (microservices), or the payload of one message (WebSocket). If the payload of a WebSocket message
 * is no object, it is the client.
 */
export function operationOf(context: ExecutionContext): object {
  const [first, second, third] = context.getArgs<unknown[]>();
  const candidates = { http: [first], graphql: [third], rpc: [second, first], ws: [second, first] }[context.getType<string>()] ?? [first];
  return candidates.find((candidate): candidate is object => typeof candidate === 'object' && candidate !== null) ?? context;
}
