import type { ExecutionContext } from '@nestjs/common';
import type { TokenError } from '../errors/token.errors.js';

/**
 * The `errorBody` option. Returns the body of the response to a {@link TokenError}.
 *
 * @example
 * ```ts
 * const errorBody: ErrorBodyHook = (error) => ({ code: 4101, message: error.message });
 * ```
 */
export type ErrorBodyHook = (error: TokenError, context: ExecutionContext) => unknown;
