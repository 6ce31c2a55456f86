import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { Principal } from '../principal/principal.js';
import { sessionOf } from '../principal/session-info.js';
import { callerOf } from './callers.js';

/**
 * Parameter decorator. Gives the authenticated caller, or one field of it (`@CurrentUser('sub')`), as the instance of the module that
 * guards this route has admitted it. Gives `undefined` for an anonymous caller on a route marked with `@OptionalAuth()`.
 */
export const CurrentUser: (field?: keyof Principal) => ParameterDecorator = createParamDecorator(
  (field: keyof Principal | undefined, host: ExecutionContext) => {
    const caller = callerOf(host) as Principal | undefined;
    return field === undefined ? caller : caller?.[field];
  },
);

/**
 * Parameter decorator. Gives the session of the caller as its access token tells it ({@link SessionInfo}), or `undefined` for an anonymous
 * caller.
 */
export const CurrentSession: () => ParameterDecorator = createParamDecorator((_: unknown, host: ExecutionContext) => {
  const caller = callerOf(host) as Principal | undefined;
  return caller && sessionOf(caller);
});
