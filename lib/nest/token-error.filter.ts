import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';
import { Catch } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { BaseExceptionFilter } from '@nestjs/core';
import { throwError } from 'rxjs';
import { TokenError } from '../errors/token.errors.js';
import { contextOf } from './contexts.js';
import { instanceOf } from './operation-instances.js';
import type { TokenInstance } from './token-instance.js';
import { messageFailureOf } from '../errors/message-failure.js';

/**
 * Handles a {@link TokenError} that neither the guard nor the interceptor has seen, because a handler threw it. Gives the response its
 * challenge, its `Retry-After` and its body, as the instance of the route wants them. Every filter of the application goes before it.
 */
@Catch(TokenError)
export class TokenErrorFilter extends BaseExceptionFilter<TokenError> {
  /**
   * @param fallback the instance of routes without `@AuthInstance()`, and of those that none of our guards has seen.
   * @param httpAdapterHost holds the application's HTTP adapter as soon as there is one.
   */
  constructor(
    private readonly fallback: () => TokenInstance,
    protected override readonly httpAdapterHost: HttpAdapterHost,
  ) {
    super();
  }

  /**
   * Responds to the error.
   * @returns the failure, if the handler is that of a microservice's message. In GraphQL, the error is thrown on, because the driver makes
   * the response of it.
   */
  override catch(error: TokenError, host: ArgumentsHost): unknown {
    const type = host.getType<string>();
    if (type === 'rpc') return throwError(() => messageFailureOf(error));
    if (type === 'http' || type === 'graphql') {
      const { errors } = instanceOf(host) ?? this.fallback();
      errors.prepare(error, contextOf(host as ExecutionContext));
    }
    if (type !== 'http') throw error;
    super.catch(error, host);
    return undefined;
  }
}
