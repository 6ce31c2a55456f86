import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { createParamDecorator, Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { TokenOptionsError } from '../errors/token.errors.js';
import type { TokenRequest } from '../transport/token-transport.js';
import { rememberInstance } from './operation-instances.js';
import type { RequestContext } from './request-context.js';
import { contextOf } from './contexts.js';
import { RoutePolicies } from './route-policy.js';

/** The refresh tokens of operations that have passed the guard. */
const FOUND = new WeakMap<object, { readonly token: string | undefined }>();

/**
 * Finds the refresh token of a request, for a route that refreshes or signs out itself: in its header, in its cookie, or in the member
 * `refresh_token` of the body. If it came in a cookie, the request must have been sent by a page of the application (see the `csrf`
 * option). It needs no access token, and lets requests without a refresh token pass, because `rotate` and `signOut` judge the value of
 * {@link RefreshToken}.
 *
 * It refuses with `csrf_failed` (403), and with `session_mismatch` (401) if cookies of one name carry tokens of different sessions.
 */
@Injectable()
export class RefreshTokenGuard implements CanActivate {
  @Inject(ModuleRef)
  private readonly moduleRef!: ModuleRef;
  private policies: RoutePolicies | undefined;

  async canActivate(host: ExecutionContext): Promise<boolean> {
    this.policies ??= new RoutePolicies(this.moduleRef);
    const { instance } = this.policies.of(host);
    rememberInstance(host, instance);
    const context = contextOf(host);
    try {
      const token = await instance.authenticator.refreshTokenOf(context, inBody(context.request));
      FOUND.set(context.operation, { token });
      return true;
    } catch (error) {
      return await instance.fail(error, context);
    }
  }
}

/**
 * Tells whether a route refreshes or signs out with the refresh token of its request, so that a verdict of its handler is about that token.
 */
export function presentsRefreshToken({ operation }: RequestContext): boolean {
  return FOUND.get(operation)?.token !== undefined;
}

/**
 * Parameter decorator. Gives the refresh token that the {@link RefreshTokenGuard} of the route has found, or `undefined` if the request
 * carries none.
 * @throws {TokenOptionsError} if the route is not guarded by it.
 * @example
 * ```ts
 * @Post('refresh') @UseGuards(RefreshTokenGuard) @UseInterceptors(TokenInterceptor)
 * async renew(@RefreshToken() token?: string) { return (await this.refresh.rotate(token)).pair; }
 * ```
 */
export const RefreshToken = createParamDecorator((_data: unknown, host: ExecutionContext): string | undefined => {
  const found = FOUND.get(contextOf(host).operation);
  if (!found) throw new TokenOptionsError('@RefreshToken()', 'finds no token on a route without @UseGuards(RefreshTokenGuard)');
  return found.token;
});

/** Returns the member `refresh_token` of the body, which RFC 6749 §6 defines. */
function inBody({ body }: TokenRequest): string | undefined {
  if (typeof body !== 'object' || body === null || !Object.hasOwn(body, 'refresh_token')) return undefined;
  const { refresh_token: token } = body as { refresh_token: unknown };
  return typeof token === 'string' ? token : undefined;
}
