import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { Observable } from 'rxjs';
import { catchError, tap } from 'rxjs';
import { responseOf } from '../execution-context.js';
import { TokenPair } from '../session/token-pair.js';
import { TokenError } from '../token.errors.js';
import { prepareAnswer } from './bearer-challenge.js';
import { RoutePolicies } from './route-policy.js';

/** How deep in an answer a pair is looked for: `{ user, tokens: { … pair } }`. */
const DEPTH = 3;

/**
 * Sends the token pair that a handler returns (alone, or nested as in `{ user, tokens: pair }`) in the response headers too, uncacheable;
 * and gives a {@link TokenError} that the handler throws its challenge. Bind it to sign-in and explicit refresh, not to every route: tokens
 * that the guard refreshes need no interceptor.
 */
@Injectable()
export class TokenInterceptor implements NestInterceptor {
  @Inject(ModuleRef)
  private readonly moduleRef!: ModuleRef;
  private policies: RoutePolicies | undefined;

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    this.policies ??= new RoutePolicies(this.moduleRef);
    const { instance } = this.policies.of(context);
    const response = responseOf(context);
    return next.handle().pipe(
      tap((answer) => {
        const pair = pairIn(answer, DEPTH);
        if (pair && response) instance.transport.write(response, pair);
      }),
      catchError((error: unknown) => {
        if (error instanceof TokenError) prepareAnswer(error, context, instance.answers);
        throw error;
      }),
    );
  }
}

function pairIn(answer: unknown, depth: number): TokenPair | undefined {
  if (answer instanceof TokenPair) return answer;
  if (depth === 0 || typeof answer !== 'object' || answer === null) return undefined;
  for (const member of Object.values(answer)) {
    const pair = pairIn(member, depth - 1);
    if (pair) return pair;
  }
  return undefined;
}
