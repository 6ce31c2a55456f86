import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import type { AccessTokenClaims } from '../access-token/access-token.claims.js';
import { customClaims } from '../access-token/access-token.claims.js';
import type { SessionInfo } from '../principal/session-info.js';
import { callerOf } from './callers.js';
import type { Principal } from '../principal/principal.js';

/**
 * Parameter decorator: the authenticated caller, or one field of it (`@CurrentUser('sub')`), as the instance of the module that guards this
 * route has admitted it. `undefined` for an anonymous caller on a route marked with `@OptionalAuth()`.
 */
export const CurrentUser: (field?: keyof Principal) => ParameterDecorator = createParamDecorator(
  (field: keyof Principal | undefined, context: ExecutionContext) => {
    const caller = callerOf(context) as Principal | undefined;
    return field === undefined ? caller : caller?.[field];
  },
);

/** Parameter decorator: the session of the caller as its access token tells it ({@link SessionInfo}); `undefined` for an anonymous caller. */
export const CurrentSession: () => ParameterDecorator = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const caller = callerOf(context) as Principal | undefined;
  return caller && sessionOf(caller);
});

/** What an access token tells of its session. */
export function sessionOf(claims: AccessTokenClaims): SessionInfo {
  return { sessionId: claims.sid, subject: claims.sub, authTime: (claims.auth_time ?? 0) * 1_000, claims: customClaims(claims) };
}
