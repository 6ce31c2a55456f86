import { Logger } from '@nestjs/common';
import { TokenError } from '../errors/token.errors.js';
import type { SocketConnection } from '../sockets/socket-connection.js';
import type { GatewayAccess, GatewayAddress, GatewayDemands } from './gateway-access.js';
import type { RoutePolicy } from './route-policy.js';

/** A server of the platform, with the address of its gateways. */
export interface GatewayServer {
  readonly server: object;
  readonly address: GatewayAddress;
}

/**
 * Judges the handshake of a socket before its gateway sees it. A socket to gateways that are closed to everybody without a good token is
 * refused. Any other socket is let in, and the guard judges its messages.
 */
export class GatewayDoor {
  private readonly logger = new Logger('TokenModule');
  private readonly demands = new WeakMap<object, GatewayDemands>();

  constructor(private readonly access: GatewayAccess) {}

  /**
   * Finds out whose a socket is.
   * @returns why the socket is refused, or null if it is let in. Never rejects.
   */
  async judge(connection: SocketConnection, place: GatewayServer): Promise<unknown> {
    try {
      const { isClosed, policies } = this.demandsOf(place);
      const refusals: unknown[] = [];
      for (const policy of policies) refusals.push(await this.identify(connection, policy));
      return isClosed && !refusals.includes(null) ? refusals[0] : null;
    } catch (error) {
      this.logger.error(error);
      return error;
    }
  }

  private demandsOf({ server, address }: GatewayServer): GatewayDemands {
    const known = this.demands.get(server) ?? this.access.demandsOf(address);
    this.demands.set(server, known);
    return known;
  }

  /** @returns why an instance does not know the caller, or null if it does. */
  private async identify(connection: SocketConnection, { instance, locations }: RoutePolicy): Promise<TokenError | null> {
    try {
      await instance.sockets.judge({ connection, operation: {}, locations });
      return null;
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      instance.errors.report(error);
      return error;
    }
  }
}
