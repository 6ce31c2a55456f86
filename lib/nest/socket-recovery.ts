import { TokenOptionsError } from '../errors/token.errors.js';
import type { GatewayAccess } from './gateway-access.js';
import type { GatewayServer } from './gateway-door.js';

/** A server or a namespace of socket.io, as far as it is looked at. A namespace has its server. */
interface SocketIoServer {
  readonly opts?: { readonly connectionStateRecovery?: unknown };
  readonly server?: SocketIoServer;
}

/**
 * Refuses a server that recovers the sockets of guarded gateways (`connectionStateRecovery` of socket.io). socket.io puts such a socket
 * back into its rooms and sends it what it has missed before anything can judge its handshake. A user whose session was revoked would get
 * that too.
 *
 * @throws {TokenOptionsError} naming the option of socket.io.
 */
export function requireNoRecovery({ server, address }: GatewayServer, access: GatewayAccess): void {
  const { opts, server: parent }: SocketIoServer = server;
  if (!(opts ?? parent?.opts)?.connectionStateRecovery || access.demandsOf(address).policies.length === 0) return;
  throw new TokenOptionsError(
    'connectionStateRecovery',
    'lets socket.io send to a socket what it has missed before its token is checked: remove it from the server of your guarded gateways',
  );
}
