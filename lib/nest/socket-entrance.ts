import { Logger } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { redactTokens } from '../events/redact-tokens.js';
import type { Handshake, UpgradeRequest } from '../sockets/handshake.js';
import { socketIoHandshake, upgradeHandshake } from '../sockets/handshake.js';
import { failureOf, socketClientOf } from '../sockets/socket-client.js';
import { connectionOf, rememberConnection, SocketConnection } from '../sockets/socket-connection.js';
import type { GatewayDoor, GatewayServer } from './gateway-door.js';

/** What Nest calls for each client of a server. It calls `handleConnection` of a gateway, and binds the handlers of its messages. */
export type Connect = (client: object, ...others: unknown[]) => unknown;

/** A client that the platform has made. */
interface Arrival {
  readonly client: object;
  /** What the platform hands over in addition to the client. `ws` hands over the upgrade request. */
  readonly others: readonly unknown[];
  readonly connect: Connect;
}

/** A socket, and why it is refused, or null. */
interface Verdict {
  readonly connection: SocketConnection;
  readonly refusal: unknown;
}

type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer, done: (client: object, request: IncomingMessage) => void) => void;
type Middleware = (client: object, next: (error?: Error) => void) => void;

/** Servers of socket.io have `use`, and those of `ws` have `handleUpgrade`. Other platforms have neither. */
interface PlatformServer {
  use?: (middleware: Middleware) => unknown;
  handleUpgrade?: Upgrade;
}

/** Judges each socket once, and lets it through to the gateways of its server. */
export class SocketEntrance {
  private readonly logger = new Logger('TokenModule');
  private readonly guarded = new WeakSet<object>();
  /** Verdicts by client, or by upgrade request where there is no client yet. */
  private readonly verdicts = new WeakMap<object, Verdict>();
  /** Verdicts under way on clients that are there already. */
  private readonly underWay = new WeakMap<object, Promise<Verdict>>();

  constructor(private readonly door: GatewayDoor) {}

  /** Makes a server judge each handshake before it makes a client of it, where the platform has a place for that. */
  guard(place: GatewayServer): void {
    const server: PlatformServer = place.server;
    if (this.guarded.has(server)) return;
    this.guarded.add(server);
    if (server.use) server.use((client, next) => (this.door.guards(place) ? void this.admit(place, client, next) : next()));
    else if (server.handleUpgrade) {
      const handleUpgrade = server.handleUpgrade.bind(server);
      server.handleUpgrade = (...upgrade) =>
        this.door.guards(place) ? void this.upgrade(place, handleUpgrade, upgrade) : handleUpgrade(...upgrade);
    }
  }

  /** Lets a client through to a gateway, or closes it. It is called for each gateway of the server. */
  enter(place: GatewayServer, arrival: Arrival): void {
    const { client, others } = arrival;
    if (!this.door.guards(place)) {
      settle({ connection: new SocketConnection(handshakeOf(client, others[0])), refusal: null }, arrival);
      return;
    }
    const verdict = this.verdicts.get(client) ?? this.verdicts.get(Object(others[0]) as object);
    if (verdict) {
      settle(verdict, arrival);
      return;
    }
    const judging = this.underWay.get(client) ?? this.judge(place, handshakeOf(client, others[0]));
    this.underWay.set(client, judging);
    judging.then((late) => settle(late, arrival)).catch((error: unknown) => this.logger.error(error));
  }

  /** socket.io: the client is refused with a `connect_error` that says why. */
  private async admit(place: GatewayServer, client: object, next: (error?: Error) => void): Promise<void> {
    const verdict = await this.judge(place, handshakeOf(client));
    this.verdicts.set(client, verdict);
    if (verdict.refusal === null) next();
    else next(Object.assign(new Error(failureOf(verdict.refusal).message), { data: failureOf(verdict.refusal) }));
  }

  /**
   * `ws`: a browser does not tell its page why an upgrade was refused. A socket that is refused is therefore opened and closed at once,
   * before anything else is sent to it. Never rejects: `ws` calls functions of the application, and these may throw.
   */
  private async upgrade(place: GatewayServer, handleUpgrade: Upgrade, upgrade: Parameters<Upgrade>): Promise<void> {
    const [request, socket] = upgrade;
    const giveUp = (): void => void socket.destroy();
    socket.on('error', giveUp);
    try {
      this.verdicts.set(request, await this.judge(place, upgradeHandshake(request)));
      socket.off('error', giveUp);
      if (!socket.destroyed) handleUpgrade(...upgrade);
    } catch (error) {
      this.logger.error('a socket could not be opened', redactTokens(error instanceof Error ? error.stack : typeof error));
      giveUp();
    }
  }

  private async judge(place: GatewayServer, handshake: Handshake): Promise<Verdict> {
    const connection = new SocketConnection(handshake);
    return { connection, refusal: await this.door.judge(connection, place) };
  }
}

function settle({ connection, refusal }: Verdict, { client, others, connect }: Arrival): void {
  if (!connectionOf(client)) {
    rememberConnection(client, connection);
    connection.open(socketClientOf(client));
  }
  if (refusal === null) connect(client, ...others);
  else connection.close(refusal);
}

/** A client of an unknown platform has no handshake, and so no tokens. */
function handshakeOf(client: object, request?: unknown): Handshake {
  const { handshake } = client as { handshake?: unknown };
  if (isUpgrade(handshake)) return socketIoHandshake(handshake);
  return upgradeHandshake(isUpgrade(request) ? request : { headers: {} });
}

function isUpgrade(value: unknown): value is UpgradeRequest {
  const { headers, url } = Object(value) as Partial<Record<keyof UpgradeRequest, unknown>>;
  return typeof headers === 'object' && headers !== null && (url === undefined || typeof url === 'string');
}
