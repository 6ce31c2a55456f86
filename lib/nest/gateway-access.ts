import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { Class } from './declared-handlers.js';
import { classesIn, guardsOf, isGatewayMessage, isTokenGuard, methodsOf } from './declared-handlers.js';
import { JwtAuthGuard } from './jwt-auth.guard.js';
import type { RoutePolicies, RoutePolicy } from './route-policy.js';

/** Which server a gateway belongs to, as `@WebSocketGateway(port, { path, namespace })` says. */
export interface GatewayAddress {
  readonly port: number;
  readonly path?: unknown;
  readonly namespace?: unknown;
}

/** What the gateways of one server demand of a socket. */
export interface GatewayDemands {
  /** Whether no handler is open to a socket without a good token, so that it need not be let in at all. */
  readonly isClosed: boolean;
  /** The policies of everything that the guard protects. There is one for each instance and list of locations. */
  readonly policies: readonly RoutePolicy[];
}

/** Metadata keys that Nest writes on gateways. */
const NEST = { gateway: 'websockets:is_gateway', port: 'port', options: 'websockets:gateway_options' } as const;

/** What the access to gateways follows from. */
export interface GatewaySources {
  readonly modules: ModulesContainer;
  readonly config: ApplicationConfig;
  readonly policies: RoutePolicies;
}

/** Reads from the decorators of gateways who may open a socket to them. */
export class GatewayAccess {
  private gateways: readonly Class[] | undefined;

  constructor(private readonly sources: GatewaySources) {}

  /** Returns what the gateways of a server demand together. A server without any known gateway demands nothing. */
  demandsOf(address: GatewayAddress): GatewayDemands {
    const protections = this.gatewaysAt(address).flatMap((gateway) => this.protectionsOf(gateway));
    const policies = protections.filter((one) => one !== null && one.access !== 'public') as RoutePolicy[];
    const isClosed = protections.length > 0 && protections.every((one) => one?.access === 'required');
    return { isClosed, policies: policies.filter((one, index) => index === policies.findIndex((other) => isAlike(one, other))) };
  }

  /** Returns the policy of each handler of a gateway, or of the gateway itself if it only sends. Null if our guard does not read it. */
  private protectionsOf(gateway: Class): (RoutePolicy | null)[] {
    const handlers = methodsOf(gateway).map(({ handler }) => handler);
    const messages = handlers.filter(isGatewayMessage);
    return (messages.length > 0 ? messages : [gateway]).map((handler) => {
      const guards = [...this.sources.config.getGlobalGuards(), ...guardsOf(gateway), ...guardsOf(handler)];
      return guards.some((guard) => this.readsHandshakes(guard)) ? this.sources.policies.ofHandler(gateway, handler) : null;
    });
  }

  private gatewaysAt(address: GatewayAddress): Class[] {
    this.gateways ??= [...classesIn(this.sources.modules)].filter((owner) => Reflect.getMetadata(NEST.gateway, owner) === true);
    return this.gateways.filter((gateway) => {
      const options = (Reflect.getMetadata(NEST.options, gateway) ?? {}) as Omit<GatewayAddress, 'port'>;
      const port = (Reflect.getMetadata(NEST.port, gateway) as number | undefined) ?? 0;
      return port === address.port && options.path === address.path && nameOf(options.namespace) === nameOf(address.namespace);
    });
  }

  /** A subclass that says itself where tokens are finds them when a message comes. A test may have replaced the guard. */
  private readsHandshakes(guard: unknown): boolean {
    if (!isTokenGuard(guard)) return false;
    const prototype: unknown = typeof guard === 'function' ? guard.prototype : guard;
    if (Reflect.get(Object(prototype), 'getRequest') !== Reflect.get(JwtAuthGuard.prototype, 'getRequest')) return false;
    return typeof guard !== 'function' || !this.isReplaced(guard);
  }

  private isReplaced(guard: unknown): boolean {
    for (const { injectables } of this.sources.modules.values()) {
      const instance: unknown = injectables.get(guard as never)?.instance;
      if (instance !== undefined && instance !== null && !(instance instanceof JwtAuthGuard)) return true;
    }
    return false;
  }
}

/** Nest puts a slash in front of a namespace. A namespace may also be a pattern or a function. */
function nameOf(namespace: unknown): unknown {
  if (typeof namespace !== 'string') return namespace;
  return namespace.startsWith('/') ? namespace : `/${namespace}`;
}

function isAlike(one: RoutePolicy, other: RoutePolicy): boolean {
  return one.instance === other.instance && one.locations === other.locations;
}
