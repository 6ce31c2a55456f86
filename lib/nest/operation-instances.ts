import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';
import { DEFAULT_NAME } from '../keys/key-ring.js';
import { operationOf } from './operation.js';
import type { TokenInstance } from './token-instance.js';

/** The instances of operations on routes with `@AuthInstance()`. */
const INSTANCES = new WeakMap<object, TokenInstance>();

/**
 * Remembers the instance of a route for {@link instanceOf}, because Nest tells a filter neither the handler nor its class. Costs nothing
 * for the instance without a name.
 */
export function rememberInstance(host: ExecutionContext, instance: TokenInstance): void {
  if (instance.name !== DEFAULT_NAME && isHeard(host)) INSTANCES.set(operationOf(host), instance);
}

/** Returns the named instance whose guard an operation has passed, if there is one. */
export function instanceOf(host: ArgumentsHost): TokenInstance | undefined {
  return INSTANCES.get(operationOf(host as ExecutionContext));
}

/** Our filter prepares the responses of no other kind of operation. */
function isHeard(host: ExecutionContext): boolean {
  const type = host.getType<string>();
  return type === 'http' || type === 'graphql';
}
