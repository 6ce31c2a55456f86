import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { TokenRequest } from '../execution-context.js';
import { requestOf, responseOf } from '../execution-context.js';
import type { Principal } from '../principal/principal.js';
import { FreshTokenRequired, TokenError, TokenMissing } from '../token.errors.js';
import { prepareAnswer } from './bearer-challenge.js';
import type { RoutePolicy } from './route-policy.js';
import { RoutePolicies } from './route-policy.js';

/**
 * Lets a request pass when its access token is good, or has expired and a good refresh token came along: then the new pair is on the
 * response before the handler runs. Reads `@Public()`, `@OptionalAuth()`, `@Fresh()` and `@AuthInstance()`; sets `request.user`.
 * Bound twice to a route, it still authenticates once per request. Extend it to override {@link handleRequest}.
 *
 * Answers {@link TokenError}: 401 with a challenge (RFC 6750 §3), 429, or 503 while the store is away.
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
    const request = this.getRequest(context);
    const admission = { request, context, policy };
    try {
      const known = policy.instance.authenticator.recall(request);
      return known ? this.admit(known, admission) : this.admitLater(admission);
    } catch (error) {
      throw this.prepared(error, admission);
    }
  }

  /**
   * Decides what becomes `request.user`. Called for every request, for known tokens too; may be asynchronous.
   *
   * @param error a failure that is no verdict on the token (the store is away), or null.
   * @param user the principal; false: the credentials were refused; null: anonymous, on a route with `@OptionalAuth()`.
   * @param info why the credentials were refused, when `user` is false.
   * @returns the user; the default throws `error` or `info`.
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

  /** The request that carries the tokens. Override it for contexts other than HTTP and GraphQL. */
  protected getRequest(context: ExecutionContext): TokenRequest {
    return requestOf(context);
  }

  /** The response that takes new tokens, or undefined: then nothing is refreshed. */
  protected getResponse(context: ExecutionContext): object | undefined {
    return responseOf(context);
  }

  private async admitLater(admission: Admission): Promise<boolean> {
    const { request, context, policy } = admission;
    try {
      const principal = await policy.instance.authenticator
        .authenticate(request, this.getResponse(context))
        .catch((error: unknown) => this.refuse(error, admission));
      return await this.admit(principal, admission);
    } catch (error) {
      throw this.prepared(error, admission);
    }
  }

  private admit(principal: Principal | Refusal | null, { request, context, policy }: Admission): boolean | Promise<boolean> {
    const refusal = principal instanceof Refusal ? principal : isStale(principal, policy) ? new Refusal(new FreshTokenRequired()) : null;
    const user = refusal
      ? this.handleRequest(refusal.error, false, refusal.info, context, refusal.info?.getStatus())
      : this.handleRequest(null, principal as Principal | null, undefined, context);
    if (user instanceof Promise) return user.then((awaited) => setUser(request, awaited));
    return setUser(request, user);
  }

  /** @returns what to tell {@link handleRequest}: a refusal, or null for an anonymous caller where that is allowed. */
  private refuse(error: unknown, { policy }: Admission): Refusal | null {
    return error instanceof TokenMissing && policy.access === 'optional' ? null : new Refusal(error);
  }

  private prepared(error: unknown, { context, policy }: Admission): unknown {
    if (error instanceof TokenError) prepareAnswer(error, context, policy.instance.answers);
    return error;
  }
}

interface Admission {
  readonly request: TokenRequest;
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

function isStale(principal: Principal | null, { freshMs, instance }: RoutePolicy): boolean {
  return freshMs !== undefined && principal !== null && instance.clock.now() - (principal.auth_time ?? 0) * 1_000 > freshMs;
}

function setUser(request: TokenRequest, user: Principal | null): true {
  if (user !== null) request.user = user;
  return true;
}
