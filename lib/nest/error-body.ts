import type { ExecutionContext } from '@nestjs/common';
import type { TokenError } from '../errors/token.errors.js';

/** The `errorBody` option: returns the body of the response to a {@link TokenError}, for example `{ code: 4101, msg: '…' }`. */
export type ErrorBodyHook = (error: TokenError, context: ExecutionContext) => unknown;
