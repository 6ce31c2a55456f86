import type { ExecutionContext } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { UpgradeRequest } from '../sockets/handshake.js';
import { graphqlHandshake } from '../sockets/handshake.js';
import { graphqlClientOf } from '../sockets/socket-client.js';
import { connectionOf, rememberConnection, SocketConnection } from '../sockets/socket-connection.js';
import { resolverArgumentsOf } from './resolver-arguments.js';

/** What graphql-ws passes on: Nest's driver of Apollo puts it into the GraphQL context as `req`, if the application does not. */
interface GraphqlWs {
  readonly extra?: { readonly socket?: unknown; readonly request?: unknown };
  readonly connectionParams?: unknown;
}

/** What Mercurius passes on, and the socket, which the application adds with `subscription.context`. */
interface MercuriusWs {
  readonly socket?: unknown;
  readonly request?: { readonly raw?: unknown };
  readonly _connectionInit?: unknown;
}

/** The parts of a socket's handshake. */
interface OpenSocket {
  readonly socket: object;
  readonly upgrade: IncomingMessage;
  /** What the client has sent in its `connection_init`. */
  readonly params: unknown;
}

/** Returns the connection of a GraphQL operation that has come over a WebSocket, or `undefined`. */
export function graphqlConnectionOf(host: ExecutionContext): SocketConnection | undefined {
  const context = resolverArgumentsOf(host).context as (GraphqlWs & MercuriusWs & { req?: GraphqlWs }) | undefined;
  const open = context && (ofGraphqlWs(context) ?? ofGraphqlWs(context.req) ?? ofMercurius(context));
  return open && (connectionOf(open.socket) ?? connect(open));
}

function ofGraphqlWs(given: GraphqlWs | undefined): OpenSocket | undefined {
  const { socket, request } = given?.extra ?? {};
  return isSocket(socket) && isIncoming(request) ? { socket, upgrade: request, params: given?.connectionParams } : undefined;
}

function ofMercurius({ socket, request, _connectionInit: init }: MercuriusWs): OpenSocket | undefined {
  const upgrade = request?.raw;
  if (!isSocket(socket) || !isIncoming(upgrade)) return undefined;
  const nested = typeof init === 'object' && init !== null && Object.hasOwn(init, 'headers');
  return { socket, upgrade, params: nested ? (init as { headers: unknown }).headers : init };
}

function connect({ socket, upgrade, params }: OpenSocket): SocketConnection {
  const connection = new SocketConnection(graphqlHandshake(receivedBy(upgrade), params));
  rememberConnection(socket, connection);
  connection.open(graphqlClientOf(socket));
  return connection;
}

/**
 * Returns a request as it has arrived. Mercurius adds what a client sends in `connection_init` to the headers of its request, so that a
 * page of another site could say there where it comes from.
 */
export function receivedBy({ headersDistinct, url }: IncomingMessage): UpgradeRequest {
  const headers = Object.create(null) as Record<string, string>;
  for (const [name, values = []] of Object.entries(headersDistinct)) headers[name] = values.join(name === 'cookie' ? '; ' : ', ');
  return { headers, url };
}

function isSocket(value: unknown): value is object {
  return typeof value === 'object' && value !== null && 'readyState' in value && 'close' in value;
}

/** Tells whether a value is a request of `node:http`. */
export function isIncoming(value: unknown): value is IncomingMessage {
  return typeof value === 'object' && value !== null && 'headersDistinct' in value;
}
