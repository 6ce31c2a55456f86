import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { Catch } from '@nestjs/common';
import type { AnyTokenError, RefreshLimited, RefreshTokenReused, TokenErrorCode, TokenHook } from 'nestjs-token';
import { TokenError, TokenMissing } from 'nestjs-token';
import type { Equal } from './equal.js';
import { holds } from './equal.js';

// One member for each code, and no code twice.
holds<Equal<AnyTokenError['errorCode'], TokenErrorCode>>();
holds<Equal<Extract<AnyTokenError, { errorCode: 'refresh_limited' }>, RefreshLimited>>();
holds<Equal<Extract<AnyTokenError, { errorCode: 'refresh_reused' }>, RefreshTokenReused>>();

@Catch(TokenError)
export class Filter implements ExceptionFilter<AnyTokenError> {
  catch(error: AnyTokenError, _host: ArgumentsHost): string {
    switch (error.errorCode) {
      case 'refresh_limited':
        holds<Equal<typeof error.retryAfter, number>>();
        return `wait ${error.retryAfter}`;
      case 'refresh_reused':
      case 'session_revoked':
        return `sign out of ${error.sessionId}`;
      case 'hook_timeout':
      case 'hook_failed':
        holds<Equal<typeof error.hook, TokenHook>>();
        return error.hook;
      case 'token_missing':
        // @ts-expect-error no session is known without a token
        return error.sessionId;
      // @ts-expect-error a code that does not exist
      case 'token_lost':
        return '';
      default:
        return error.terminal ? 'sign in again' : 'refresh';
    }
  }
}

/** Fails to compile when a code is forgotten: here every code but one is handled. */
export function exhaustive(error: Extract<AnyTokenError, { errorCode: 'user_rejected' | 'token_expired' }>): string {
  switch (error.errorCode) {
    case 'user_rejected':
      return 'gone';
    default:
      holds<Equal<typeof error.errorCode, 'token_expired'>>();
      // @ts-expect-error the code 'token_expired' is left
      return error satisfies never;
  }
}

export function narrowed(error: unknown): TokenErrorCode | undefined {
  return error instanceof TokenError ? error.errorCode : undefined;
}

holds<Equal<TokenMissing['errorCode'], 'token_missing'>>();
// @ts-expect-error codes come from the table
export const invented: TokenErrorCode = 'token_lost';
// @ts-expect-error the base class is abstract
export const base = new TokenError('token_missing');
