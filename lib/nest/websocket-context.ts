import type { TokenError } from '../errors/token.errors.js';
import { messageFailureOf } from './message-failure.js';
import { operationOf } from './operation.js';
import { NO_REQUEST, RequestContext } from './request-context.js';

/** A message of a gateway. Its payload is not a request. */
export class WebSocketContext extends RequestContext {
  override readonly isSafe = false;
  override readonly request = NO_REQUEST;
  override readonly response = undefined;

  override get operation(): object {
    return operationOf(this.host);
  }

  /** The package is optional, and is loaded when the first error occurs. */
  override async fail(error: TokenError): Promise<Error> {
    return new (await import('@nestjs/websockets')).WsException(messageFailureOf(error));
  }
}
