import type { TokenError } from '../errors/token.errors.js';
import type { SocketConnection } from '../sockets/socket-connection.js';
import { connectionOf } from '../sockets/socket-connection.js';
import { wsExceptionOf } from '../sockets/ws-exception.js';
import type { TokenRequest } from '../transport/token-transport.js';
import { NO_REQUEST, RequestContext } from './request-context.js';

/** A message of a gateway. Its tokens are those of its socket. Its payload is not a request. */
export class WebSocketContext extends RequestContext {
  override readonly isSafe = false;
  override readonly response = undefined;

  override get connection(): SocketConnection | undefined {
    return connectionOf(this.host.switchToWs().getClient());
  }

  override get request(): TokenRequest {
    return this.connection?.handshake.request ?? NO_REQUEST;
  }

  override fail(error: TokenError): Promise<Error> {
    return wsExceptionOf(error);
  }
}
