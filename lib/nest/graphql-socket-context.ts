import type { SocketConnection } from '../sockets/socket-connection.js';
import type { TokenRequest } from '../transport/token-transport.js';
import { GraphqlContext } from './graphql-context.js';
import { graphqlConnectionOf } from './graphql-socket.js';
import { NO_REQUEST } from './request-context.js';
import { resolverArgumentsOf } from './resolver-arguments.js';

/**
 * A GraphQL operation over a WebSocket: a subscription, a query or a mutation. Its tokens are those of the socket. Nothing is refreshed,
 * because no response can carry new ones.
 */
export class GraphqlSocketContext extends GraphqlContext {
  override get connection(): SocketConnection | undefined {
    return graphqlConnectionOf(this.host);
  }

  override get request(): TokenRequest {
    return this.connection?.handshake.request ?? NO_REQUEST;
  }

  override get response(): undefined {
    return undefined;
  }

  /** The context may be the same for all operations of a socket. The variables are not, even if there are none. */
  override get operation(): object {
    const { info } = resolverArgumentsOf(this.host);
    return (info as { variableValues?: object } | undefined)?.variableValues ?? super.operation;
  }
}
