import type { ExecutionContext } from '@nestjs/common';

/** What Nest passes to a GraphQL resolver. */
export interface ResolverArguments {
  /** The context of one operation, as the application makes it. */
  readonly context: unknown;
  readonly info: unknown;
}

/** Returns the arguments of a resolver. That of a reference between subgraphs (federation) gets no arguments of the query. */
export function resolverArgumentsOf(host: ExecutionContext): ResolverArguments {
  const args = host.getArgs<unknown[]>();
  const [context, info] = args.length === 3 ? args.slice(1) : args.slice(2);
  return { context, info };
}
