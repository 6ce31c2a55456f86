import { messageFailureOf } from '../errors/message-failure.js';
import type { TokenError } from '../errors/token.errors.js';

/**
 * Returns an error in the form that the clients of gateways expect. The package is optional, and is loaded when the first error occurs.
 */
export async function wsExceptionOf(error: TokenError): Promise<Error> {
  return new (await import('@nestjs/websockets')).WsException(messageFailureOf(error));
}
