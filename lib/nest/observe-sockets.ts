import type { ApplicationConfig, ModuleRef, ModulesContainer } from '@nestjs/core';
import { GatewayAccess } from './gateway-access.js';
import { GatewayDoor } from './gateway-door.js';
import { RoutePolicies } from './route-policy.js';
import { SocketEntrance } from './socket-entrance.js';
import { SocketServers } from './socket-servers.js';

/** Makes an application judge the handshakes of its sockets. For an application with several instances, the first call counts. */
export function observeSockets(config: ApplicationConfig, modules: ModulesContainer, moduleRef: ModuleRef): void {
  const access = new GatewayAccess({ modules, config, policies: new RoutePolicies(moduleRef) });
  new SocketServers(new SocketEntrance(new GatewayDoor(access)), access).observe(config);
}
