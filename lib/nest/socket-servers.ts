import type { WebSocketAdapter } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import type { GatewayAccess, GatewayAddress } from './gateway-access.js';
import type { Connect } from './socket-entrance.js';
import type { SocketEntrance } from './socket-entrance.js';
import { requireNoRecovery } from './socket-recovery.js';

/** The configurations and adapters of applications that are observed. */
const OBSERVED = new WeakSet<object>();

/**
 * Observes the sockets of an application, on every platform. `bindClientConnect` of the adapter is the only place where Nest hands over
 * both a client and its request, so the adapter is observed as soon as Nest has it (docs/decisions/0024).
 */
export class SocketServers {
  private readonly addresses = new WeakMap<object, GatewayAddress>();

  constructor(
    private readonly entrance: SocketEntrance,
    private readonly access: GatewayAccess,
  ) {}

  /** Observes the sockets of an application, once. Call it before the application initialises its gateways. */
  observe(config: ApplicationConfig): void {
    if (OBSERVED.has(config)) return;
    OBSERVED.add(config);
    const setIoAdapter = config.setIoAdapter.bind(config);
    config.setIoAdapter = (adapter) => {
      this.observeAdapter(adapter);
      setIoAdapter(adapter);
    };
    const present = config.getIoAdapter() as WebSocketAdapter | null;
    if (present) this.observeAdapter(present);
  }

  private observeAdapter(adapter: WebSocketAdapter): void {
    if (OBSERVED.has(adapter)) return;
    OBSERVED.add(adapter);
    const create = adapter.create.bind(adapter);
    adapter.create = (port: number, options?: Omit<GatewayAddress, 'port'>) => {
      const server = create(port, options) as object;
      this.addresses.set(server, { port, path: options?.path, namespace: options?.namespace });
      return server;
    };
    const bind = adapter.bindClientConnect.bind(adapter);
    adapter.bindClientConnect = (server: object, connect: Connect) => {
      const place = { server, address: this.addresses.get(server) ?? { port: 0 } };
      requireNoRecovery(place, this.access);
      this.entrance.guard(place);
      bind(server, (client: object, ...others: unknown[]) => this.entrance.enter(place, { client, others, connect }));
    };
  }
}
