import type { ExecutionContext } from '@nestjs/common';
import { resolverArgumentsOf } from './resolver-arguments.js';

/** Stands for a WebSocket message whose payload is no object. */
class Message {
  /** Tells whoever meets it among the arguments of a handler what it is. */
  readonly description = 'nestjs-token: stands for one message';
}

/**
 * Returns the object that stands for one operation, never for a whole connection. That is the request (HTTP), the context of one operation
 * (GraphQL), the context of one message (microservices), or the payload of one message (WebSocket).
 */
export function operationOf(context: ExecutionContext): object {
  const args = context.getArgs<unknown[]>();
  if (context.getType<string>() === 'ws') return isObject(args[1]) ? args[1] : messageIn(args);
  return candidatesOf(context).find(isObject) ?? context;
}

function candidatesOf(context: ExecutionContext): unknown[] {
  const [first, second] = context.getArgs<unknown[]>();
  switch (context.getType<string>()) {
    case 'graphql':
      return [resolverArgumentsOf(context).context];
    case 'rpc':
      return [second, first];
    default:
      return [first];
  }
}

/**
 * Marks the arguments of a message, unless they are marked. Nest passes these arguments on to interceptors, pipes and parameter decorators,
 * and nothing else that is the same for all of them but not for the next message. The last argument stays the pattern, as Nest demands.
 */
function messageIn(args: unknown[]): Message {
  const known = args.find((argument) => argument instanceof Message);
  if (known) return known;
  const message = new Message();
  args.splice(Math.max(2, args.length - 1), 0, message);
  return message;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
