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

/** What one policy makes of a socket. */
interface Verdict {
  readonly policy: RoutePolicy;
  /** Why its instance does not know the caller, or null if it does. */
  readonly error: TokenError | null;
}

/**
 * Judges the handshake of a socket before its gateway sees it. A socket to gateways that are closed to everybody without a good token is
 * refused. Any other socket is let in, and the guard judges its messages.
 */
export class GatewayDoor {
  private readonly logger = new Logger('TokenModule');
  private readonly demands = new WeakMap<object, GatewayDemands>();

  constructor(private readonly access: GatewayAccess) {}

  /** Tells whether anything on a server is guarded. Where nothing is, sockets are let in as if the module were not there. */
  guards(place: GatewayServer): boolean {
    try {
      return this.demandsOf(place).policies.length > 0;
    } catch {
      // To judge a socket fails in the same way, which refuses the socket and says why.
      return true;
    }
  }

  /**
   * Finds out whose a socket is.
   * @returns why the socket is refused, or null if it is let in. Never rejects.
   */
  async judge(connection: SocketConnection, place: GatewayServer): Promise<unknown> {
    try {
      const { isClosed, policies } = this.demandsOf(place);
      const verdicts: Verdict[] = [];
      for (const policy of policies) verdicts.push({ policy, error: await identify(connection, policy) });
      return isClosed ? refusalOf(verdicts) : null;
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
}

/** @returns why an instance does not know the caller, or null if it does. */
async function identify(connection: SocketConnection, { instance, locations }: RoutePolicy): Promise<TokenError | null> {
  try {
    await instance.sockets.judge({ connection, operation: {}, locations });
    return null;
  } catch (error) {
    if (error instanceof TokenError) return error;
    throw error;
  }
}

/** Returns why a socket is refused, and reports it. A socket that one instance knows is let in, and nothing is reported. */
function refusalOf(verdicts: readonly Verdict[]): TokenError | null {
  if (verdicts.some(({ error }) => error === null)) return null;
  for (const { policy, error } of verdicts) if (error) policy.instance.errors.report(error);
  return verdicts[0]?.error ?? null;
}
