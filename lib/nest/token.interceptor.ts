import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { Observable } from 'rxjs';
import { catchError, tap } from 'rxjs';
import { TokenPair } from '../session/token-pair.js';
import { AccessTokenResponse } from '../stateless/access-token-response.js';
import { SessionRevoked, TokenError } from '../errors/token.errors.js';
import { presentsRefreshToken } from './refresh-token.guard.js';
import { contextOf } from './contexts.js';
import { RoutePolicies } from './route-policy.js';

/** The depth to which issued tokens are searched in a result, as in `{ user, tokens: { … pair } }`. */
const DEPTH = 3;

/**
 * Sends the tokens that a handler returns (a `TokenPair` or an `AccessTokenResponse`, alone or nested as in `{ user, tokens: pair }`) in
 * headers or cookies, and makes the response uncacheable. After a handler with {@link ClearTokens}, it makes the browser delete its
 * cookies. If the handler throws a {@link TokenError}, it adds the challenge to the response. Bind it to sign-in and explicit refresh, not
 * to every route: tokens that the guard refreshes need no interceptor.
 */
@Injectable()
export class TokenInterceptor implements NestInterceptor {
  @Inject(ModuleRef)
  private readonly moduleRef!: ModuleRef;
  private policies: RoutePolicies | undefined;

  intercept(host: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.policies ??= new RoutePolicies(this.moduleRef);
    const { instance, clears } = this.policies.of(host);
    const context = contextOf(host);
    return next.handle().pipe(
      tap((result) => {
        const issued = issuedIn(result, DEPTH);
        if (issued instanceof TokenPair && issued.deliverable === 'none') throw new SessionRevoked(issued.sessionId);
        if (issued) instance.deliver(context, issued);
        else if (clears) instance.clear(context, clears);
      }),
      catchError((error: unknown) => {
        if (!(error instanceof TokenError)) throw error;
        if (presentsRefreshToken(context)) instance.refuse(error, context);
        else instance.errors.prepare(error, context);
        throw error;
      }),
    );
  }
}

/** Searches arrays and plain objects only, and calls no getter, because a handler may return anything. */
function issuedIn(result: unknown, depth: number): TokenPair | AccessTokenResponse | undefined {
  if (result instanceof TokenPair || result instanceof AccessTokenResponse) return result;
  if (depth === 0) return undefined;
  for (const member of membersOf(result)) {
    const issued = issuedIn(member, depth - 1);
    if (issued) return issued;
  }
  return undefined;
}

function membersOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (typeof value !== 'object' || value === null || !isPlain(value)) return [];
  return Object.values(Object.getOwnPropertyDescriptors(value)).map((descriptor): unknown => descriptor.value);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
