import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { Authentication } from '../authentication/token-operation.js';
import { ContextUnsupported, FreshTokenRequired, TokenError, TokenMissing } from '../errors/token.errors.js';
import type { Principal } from '../principal/principal.js';
import { isThenable } from '../thenable.js';
import type { TokenRequest } from '../transport/token-transport.js';
import { rememberCaller } from './callers.js';
import { OverriddenContext } from './overridden-context.js';
import { rememberInstance } from './operation-instances.js';
import type { RequestContext } from './request-context.js';
import { rememberContext, standardContextOf } from './contexts.js';
import { HttpContext } from './http-context.js';
import { NO_REQUEST } from './request-context.js';
import type { RoutePolicy } from './route-policy.js';
import { RoutePolicies } from './route-policy.js';

/**
 * Lets a request pass if its access token is good. If the access token has expired and a good refresh token came along, the request passes
 * too, and the new pair is on the response before the handler runs. The guard reads `@Public()`, `@OptionalAuth()`, `@Fresh()`,
 * `@TokenLocations()` and `@AuthInstance()`, and sets `request.user`. If it is bound twice to a route, it still refreshes at most once per
 * request. Without sessions, it replaces access tokens that slide (`access.sliding`). Extend it to override {@link handleRequest}.
 *
 * It guards HTTP routes, GraphQL operations, the messages of microservices, and those of WebSocket gateways with the token of their
 * handshake or the one that `TokenSockets.authenticate` has put in its place. Only requests are ever refreshed. Override {@link getRequest}
 * where the tokens are elsewhere. A GraphQL subscription whose GraphQL context does not contain its socket is refused with
 * `context_unsupported`.
 *
 * It refuses with a {@link TokenError}: 401 with a challenge (RFC 6750 §3), 403, 429, or 503 while the store is unavailable. For a message
 * it refuses with a `WsException` or an `RpcException` that has the same `errorCode`.
 */
@Injectable()
export class JwtAuthGuard implements CanActivate {
  @Inject(ModuleRef)
  private readonly moduleRef!: ModuleRef;
  private policies: RoutePolicies | undefined;

  canActivate(host: ExecutionContext): boolean | Promise<boolean> {
    this.policies ??= new RoutePolicies(this.moduleRef);
    const policy = this.policies.of(host);
    rememberInstance(host, policy.instance);
    if (policy.access === 'public') return true;
    const context = this.contextOf(host);
    try {
      const admitted = this.enter(context, policy);
      return admitted === true ? true : admitted.catch((error: unknown) => policy.instance.fail(error, context, policy.locations));
    } catch (error) {
      return policy.instance.fail(error, context, policy.locations);
    }
  }

  /**
   * Decides what becomes `request.user`. It is called for every request, also if the token is known, and may be asynchronous.
   *
   * @param error a failure that is no verdict on the token (the store is unavailable, for example), or null.
   * @param user the principal, or false if the credentials were refused, or null for an anonymous caller on a route with `@OptionalAuth()`.
   * @param info why the credentials were refused, if `user` is false.
   * @returns the user, or a promise of it. The default throws `error` or `info`. `false` and `undefined` refuse the request, and mean an
   * anonymous caller on a route with `@OptionalAuth()`.
   */
  handleRequest<User = Principal>(
    error: Error | null,
    user: Principal | false | null,
    info: TokenError | undefined,
    _context: ExecutionContext,
    _status?: number,
  ): User | Promise<User> {
    if (error) throw error;
    if (user === false) throw info ?? new TokenMissing();
    return user as User;
  }

  /**
   * Returns the request that carries the tokens, or `undefined` if the context carries none. Override it to take them from
   * elsewhere. The interceptor, the challenge and `@CurrentUser()` then use the same request.
   */
  protected getRequest(host: ExecutionContext): TokenRequest | undefined {
    const { request } = standardContextOf(host);
    return request === NO_REQUEST ? undefined : request;
  }

  /** Returns the response that takes new tokens. If it returns `undefined`, nothing is refreshed. */
  protected getResponse(host: ExecutionContext): object | undefined {
    return standardContextOf(host).response;
  }

  private contextOf(host: ExecutionContext): RequestContext {
    const standard = standardContextOf(host);
    if (!this.overridesContext) return standard;
    const own = new OverriddenContext(standard, { request: () => this.getRequest(host), response: () => this.getResponse(host) });
    rememberContext(own);
    return own;
  }

  /** Tells whether a subclass overrides what the request or the response is. */
  private get overridesContext(): boolean {
    const { prototype } = JwtAuthGuard;
    return this.getRequest !== prototype.getRequest || this.getResponse !== prototype.getResponse;
  }

  private enter(context: RequestContext, policy: RoutePolicy): true | Promise<true> {
    if (context.request === NO_REQUEST) {
      return this.admit(policy.access === 'optional' ? null : new Refusal(new ContextUnsupported()), context, policy);
    }
    const { instance } = policy;
    const authentication = instance.authenticate(context, instance.locationsOf(context, policy.locations));
    if (authentication instanceof Promise) return this.enterLater(authentication, context, policy);
    instance.complete(context, authentication);
    return this.admit(authentication.principal, context, policy);
  }

  private async enterLater(authentication: Promise<Authentication>, context: RequestContext, policy: RoutePolicy): Promise<true> {
    const caller = await authentication.then(
      (authenticated) => {
        policy.instance.complete(context, authenticated);
        return authenticated.principal;
      },
      (error: unknown) => (error instanceof TokenMissing && policy.access === 'optional' ? null : new Refusal(error)),
    );
    return this.admit(caller, context, policy);
  }

  private admit(caller: Principal | Refusal | null, context: RequestContext, policy: RoutePolicy): true | Promise<true> {
    const refusal = caller instanceof Refusal ? caller : isStale(caller, policy) ? new Refusal(new FreshTokenRequired()) : null;
    const user: unknown = refusal
      ? this.handleRequest(refusal.error, false, refusal.info, context.host, refusal.info?.getStatus())
      : this.handleRequest(null, caller as Principal | null, undefined, context.host);
    const admission = { context, policy, refusal };
    if (isThenable(user)) return Promise.resolve(user).then((awaited) => setUser(awaited, admission));
    return setUser(user, admission);
  }
}

interface Admission {
  readonly context: RequestContext;
  readonly policy: RoutePolicy;
  /** Why the credentials were refused, or null. */
  readonly refusal: Refusal | null;
}

/** The reason why a request is refused: a verdict on its credentials (`info`), or a failure (`error`). */
class Refusal {
  readonly error: Error | null;
  readonly info: TokenError | undefined;

  constructor(cause: unknown) {
    const isVerdict = cause instanceof TokenError && cause.getStatus() === 401;
    this.info = isVerdict ? cause : undefined;
    this.error = isVerdict ? null : (cause as Error);
  }
}

/**
 * Sets the caller.
 * @throws the reason for which the credentials were refused, if `handleRequest` lets nobody in.
 */
function setUser(user: unknown, { context, policy, refusal }: Admission): true {
  const isNobody = user === false || user === undefined;
  if (isNobody && policy.access !== 'optional') throw refusal?.error ?? refusal?.info ?? new TokenMissing();
  const caller = isNobody || user === null ? undefined : user;
  const { request, connection } = context;
  // All messages of a socket share its request.
  if (request !== NO_REQUEST && !connection) request.user = caller as Principal | undefined;
  // Over HTTP `request.user` is enough, unless a subclass says that the request is another object.
  if (!(context instanceof HttpContext)) rememberCaller(context, policy.instance.name, caller);
  return true;
}

function isStale(principal: Principal | null, { freshMs, instance }: RoutePolicy): boolean {
  return freshMs !== undefined && principal !== null && instance.clock.now() - (principal.auth_time ?? 0) * 1_000 > freshMs;
}
