import type { ExecutionContext } from '@nestjs/common';
import type { TokenRequest } from './request-context.js';
import { operationOf } from './request-context.js';
import { DEFAULT_REALM } from '../keys/key-ring.js';

/** Metadata key of the instance name that a handler or its class asks for. */
export const INSTANCE_METADATA = 'nestjs-token:instance';

/** Callers of one operation by instance name: two instances may each have authenticated one, and an anonymous caller is `undefined`. */
const CALLERS = new WeakMap<object, Map<string, unknown>>();

/** Keeps the caller that an instance has admitted to an operation. A later admission to the same operation replaces an earlier one. */
export function rememberCaller(context: ExecutionContext, instanceName: string, caller: unknown): void {
  const operation = operationOf(context);
  const known = CALLERS.get(operation) ?? new Map<string, unknown>();
  CALLERS.set(operation, known.set(instanceName, caller));
}

/**
 * The caller of an operation, as the instance of its own route has admitted it. Over HTTP, where a request has one route, that is
 * `request.user`. What a message's sender writes into its payload is never the caller.
 */
export function callerOf(context: ExecutionContext): unknown {
  const callers = CALLERS.get(operationOf(context));
  if (callers) return callers.get(instanceNameOf(context));
  return context.getType() === 'http' ? context.switchToHttp().getRequest<TokenRequest>().user : undefined;
}

function instanceNameOf(context: ExecutionContext): string {
  const name: unknown =
    Reflect.getMetadata(INSTANCE_METADATA, context.getHandler()) ?? Reflect.getMetadata(INSTANCE_METADATA, context.getClass());
  return typeof name === 'string' ? name : DEFAULT_REALM;
}
