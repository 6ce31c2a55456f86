import type { KeyObject } from 'node:crypto';
import type { OAuthClientOptions, ResolvedClient } from '../endpoints/client.options.js';
import type { EndpointOptions, EndpointRoute, ResolvedEndpoints } from '../endpoints/endpoint.options.js';
import { ENDPOINT_ROUTES } from '../endpoints/endpoint.options.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import { readSecret } from '../keys/key-material.js';
import { CLIENT } from './client.schema.js';
import { ENDPOINTS } from './endpoints.schema.js';
import { optionReader } from './option-reader.js';

/** @throws {TokenOptionsError} naming the first option that is wrong, or that does nothing without another one. */
export function resolveEndpoints(given: EndpointOptions | undefined): ResolvedEndpoints {
  const endpoint = optionReader({ group: 'endpoints', schema: ENDPOINTS, given });
  const routes = (Object.keys(ENDPOINT_ROUTES) as EndpointRoute[]).filter((route) => endpoint(route));
  const resolved = {
    path: endpoint('path').replace(/^\//, ''),
    routes,
    requireClient: endpoint('requireClient'),
    metadataPath: endpoint('metadata') ?? null,
    jwksPath: endpoint('jwks') ?? null,
    decorators: endpoint('decorators') ?? [],
  };
  if (routes.length === 0) requireNothingOfRoutes(given, resolved);
  if (resolved.requireClient && !routes.includes('token') && !routes.includes('revoke')) {
    throw new TokenOptionsError('endpoints.requireClient', 'is about `token` and `revoke`, and neither is there: ask for one of them');
  }
  return resolved;
}

function requireNothingOfRoutes(given: EndpointOptions | undefined, { metadataPath }: ResolvedEndpoints): void {
  const idle = (['path', 'decorators'] as const).find((option) => given?.[option] !== undefined) ?? (metadataPath && 'metadata');
  if (!idle) return;
  const wanted = Object.keys(ENDPOINT_ROUTES).join(', ');
  throw new TokenOptionsError(`endpoints.${idle}`, `does nothing without a route: ask for one, with true for one of ${wanted}`);
}

/** What the clients depend on. */
export interface ClientContext {
  /** Secrets of this service. No client may know one of them. */
  readonly own: readonly KeyObject[];
  /** Remarks for the log are added here. */
  readonly warnings: string[];
}

/** @throws {TokenOptionsError} naming the first option that is wrong. */
export function resolveClients(given: readonly OAuthClientOptions[] = [], { own, warnings }: ClientContext): readonly ResolvedClient[] {
  const clients: ResolvedClient[] = [];
  for (const [index, one] of given.entries()) {
    const group = `clients[${index}]`;
    const id = optionReader({ group, schema: CLIENT, given: one })('id');
    const { key, warning } = readSecret(`${group}.secret`, one.secret);
    if (warning) warnings.push(warning);
    const others = clients.filter((client) => client.id !== id).map(({ secret }) => secret);
    if ([...own, ...others].some((secret) => secret.equals(key))) {
      throw new TokenOptionsError(`${group}.secret`, 'is the secret of something else too: give each client a secret of its own');
    }
    clients.push(Object.freeze({ id, secret: key }));
  }
  return clients;
}
