import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { TokenRequest } from './request-context.js';
import { operationOf, rememberResponse, requestOf, responseOf } from './request-context.js';
import { rememberCaller } from './callers.js';
import type { Principal } from '../principal/principal.js';
import { ContextUnsupported, FreshTokenRequired, TokenError, TokenMissing } from '../errors/token.errors.js';
import { prepareAnswer } from './error-response.js';
import { failureIn } from './context-failure.js';
import type { RoutePolicy } from './route-policy.js';
import { RoutePolicies } from './route-policy.js';

/**
 * Lets a request pass when its access token is good, or has expired and a good refresh token came along: then the new pair is on the
 * response before the handler runs. Reads `@Public()`, `@OptionalAuth()`, `@Fresh()` and `@AuthInstance()`; sets `request.user`.
 * Bound twice to a route, it still refreshes at most once per request. Extend it to override {@link handleRequest}.
 *
 * Guards HTTP routes, GraphQL queries and GraphQL mutations. Override {@link getRequest} for the messages of gateways and microservices;
 * without that they are refused with `context_unsupported`, and so are GraphQL subscriptions.
 *
 * Refuses with a {@link TokenError}: 401 with a challenge (RFC 6750 §3), 429, or 503 while the store is unavailable. For a message it is a
 * `WsException` or an `RpcException` with the same `errorCode`.
 */
@Injectable()
export class JwtAuthGuard implements CanActivate {
  @Inject(ModuleRef)
  private readonly moduleRef!: ModuleRef;
  private policies: RoutePolicies | undefined;

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    this.policies ??= new RoutePolicies(this.moduleRef);
    const policy = this.policies.of(context);
    if (policy.access === 'public') return true;
    try {
      const admitted = this.enter({ request: this.getRequest(context), context, policy });
      return admitted === true ? true : admitted.catch((error: unknown) => this.fail(error, context, policy));
    } catch (error) {
      return this.fail(error, context, policy);
    }
  }

  /**
   * Decides what becomes `request.user`. Called for every request, for known tokens too; may be asynchronous.
   *
   * @param error a failure that is no verdict on the token (the store is away), or null.
   * @param user the principal; false: the credentials were refused; null: anonymous, on a route with `@OptionalAuth()`.
   * @param info why the credentials were refused, when `user` is false.
   * @returns the user, or a promise of it; the default throws `error` or `info`. `false` and `undefined` refuse the request, and mean an
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

  /** The request that carries the tokens. Override it for contexts other than HTTP and GraphQL. `undefined`: the context carries none. */
  protected getRequest(context: ExecutionContext): TokenRequest | undefined {
    return requestOf(context);
  }

  /** The response that takes new tokens, or undefined: then nothing is refreshed. */
  protected getResponse(context: ExecutionContext): object | undefined {
    return responseOf(context);
  }

  private enter(admission: Admission): true | Promise<true> {
    const { request, policy } = admission;
    if (!request?.headers) {
      return this.admit(policy.access === 'optional' ? null : new Refusal(new ContextUnsupported()), admission);
    }
    const known = policy.instance.authenticator.recall(request);
    return known ? this.admit(known, admission) : this.admitLater(request, admission);
  }

  private async admitLater(request: TokenRequest, admission: Admission): Promise<true> {
    const { context, policy } = admission;
    const operation = { key: operationOf(context), request, response: this.getResponse(context) };
    const principal = await policy.instance.authenticator
      .authenticate(operation)
      .catch((error: unknown) => (error instanceof TokenMissing && policy.access === 'optional' ? null : new Refusal(error)));
    return this.admit(principal, admission);
  }

  private admit(principal: Principal | Refusal | null, admission: Admission): true | Promise<true> {
    const { context, policy } = admission;
    const refusal = principal instanceof Refusal ? principal : isStale(principal, policy) ? new Refusal(new FreshTokenRequired()) : null;
    const user: unknown = refusal
      ? this.handleRequest(refusal.error, false, refusal.info, context, refusal.info?.getStatus())
      : this.handleRequest(null, principal as Principal | null, undefined, context);
    if (isThenable(user)) return Promise.resolve(user).then((awaited) => this.setUser(awaited, admission, refusal));
    return this.setUser(user, admission, refusal);
  }

  /** @throws what the credentials were refused for, when `handleRequest` lets nobody in. */
  private setUser(user: unknown, { request, context, policy }: Admission, refusal: Refusal | null): true {
    const isNobody = user === false || user === undefined;
    if (isNobody && policy.access !== 'optional') throw refusal?.error ?? refusal?.info ?? new TokenMissing();
    const caller = isNobody || user === null ? undefined : user;
    if (request) request.user = caller as Principal | undefined;
    // Over HTTP `request.user` is enough, unless a subclass says that the request is another object.
    if (context.getType() !== 'http' || this.overridesContext) rememberCaller(context, policy.instance.realm, caller);
    if (this.overridesContext) rememberResponse(context, this.getResponse(context));
    return true;
  }

  /** Whether a subclass has its own idea of what the request and the response are. */
  private get overridesContext(): boolean {
    const { prototype } = JwtAuthGuard;
    return this.getRequest !== prototype.getRequest || this.getResponse !== prototype.getResponse;
  }

  /** Rejects with the error as its kind of context expects it, once the response is prepared. */
  private async fail(error: unknown, context: ExecutionContext, { instance }: RoutePolicy): Promise<never> {
    if (!(error instanceof TokenError)) throw error;
    prepareAnswer(error, { context, response: this.getResponse(context) }, instance.answers);
    throw await failureIn(context, error);
  }
}

interface Admission {
  /** `undefined`: the context carries none. */
  readonly request: TokenRequest | undefined;
  readonly context: ExecutionContext;
  readonly policy: RoutePolicy;
}

/** Why a request is not let in: a verdict on its credentials (`info`), or a failure (`error`). */
class Refusal {
  readonly error: Error | null;
  readonly info: TokenError | undefined;

  constructor(cause: unknown) {
    const isVerdict = cause instanceof TokenError && cause.getStatus() === 401;
    this.info = isVerdict ? cause : undefined;
    this.error = isVerdict ? null : (cause as Error);
  }
}

/** Whether a value is to be awaited: a promise of any library. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

function isStale(principal: Principal | null, { freshMs, instance }: RoutePolicy): boolean {
  return freshMs !== undefined && principal !== null && instance.clock.now() - (principal.auth_time ?? 0) * 1_000 > freshMs;
}
