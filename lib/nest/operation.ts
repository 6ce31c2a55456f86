import type { ExecutionContext } from '@nestjs/common';

/**
 * The object that stands for one operation, never for a whole connection: the request (HTTP), the context of one operation (GraphQL), the
 * context of one message (microservices), the payload of one message (WebSocket; the client where the payload is no object).
 */
export function operationOf(context: ExecutionContext): object {
  const [first, second, third] = context.getArgs<unknown[]>();
  const candidates = { http: [first], graphql: [third], rpc: [second, first], ws: [second, first] }[context.getType<string>()] ?? [first];
  return candidates.find((candidate): candidate is object => typeof candidate === 'object' && candidate !== null) ?? context;
}
