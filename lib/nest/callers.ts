import type { ExecutionContext } from '@nestjs/common';
import { DEFAULT_NAME } from '../keys/key-ring.js';
import type { RequestContext } from './request-context.js';
import { contextOf } from './contexts.js';

/** Metadata key of the instance name that a handler or its class asks for. */
export const INSTANCE_METADATA = 'nestjs-token:instance';

/** Callers of one operation by instance name. Two instances may each have admitted a caller. An anonymous caller is `undefined`. */
const CALLERS = new WeakMap<object, Map<string, unknown>>();

/** Keeps the caller that an instance has admitted to an operation. A later admission to the same operation replaces an earlier one. */
export function rememberCaller({ operation }: RequestContext, instanceName: string, caller: unknown): void {
  const known = CALLERS.get(operation) ?? new Map<string, unknown>();
  CALLERS.set(operation, known.set(instanceName, caller));
}

/**
 * The caller of an operation, as the instance of its own route has admitted it. Over HTTP, where a request has one route, that is
 * `request.user`. What the sender of a message writes into its payload is never the caller.
 */
export function callerOf(host: ExecutionContext): unknown {
  const { operation, request } = contextOf(host);
  const callers = CALLERS.get(operation);
  if (callers) return callers.get(instanceNameOf(host));
  return host.getType() === 'http' ? request.user : undefined;
}

function instanceNameOf(host: ExecutionContext): string {
  const name: unknown =
    Reflect.getMetadata(INSTANCE_METADATA, host.getHandler()) ?? Reflect.getMetadata(INSTANCE_METADATA, host.getClass());
  return typeof name === 'string' ? name : DEFAULT_NAME;
}
