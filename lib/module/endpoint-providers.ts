import type { FactoryProvider, Type } from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';
import { ClientRegistry } from '../endpoints/client-registry.js';
import { decorateController } from '../endpoints/decorate-controller.js';
import type { EndpointRoute, ResolvedEndpoints } from '../endpoints/endpoint.options.js';
import { ENDPOINT_ROUTES } from '../endpoints/endpoint.options.js';
import { documentEndpoints } from '../endpoints/endpoint-documentation.js';
import { IntrospectionEndpoint } from '../endpoints/introspection.endpoint.js';
import { JwksEndpoint } from '../endpoints/jwks.endpoint.js';
import { MetadataEndpoint } from '../endpoints/metadata.endpoint.js';
import { MountedEndpoints } from '../endpoints/mounted-endpoints.js';
import type { ControllerPlace } from '../endpoints/oauth.controller.js';
import { oauthController } from '../endpoints/oauth.controller.js';
import type { OAuthOperation } from '../endpoints/oauth-endpoint.js';
import { OAuthEndpoint } from '../endpoints/oauth-endpoint.js';
import { pathInApplication } from '../endpoints/path-in-application.js';
import { RevocationEndpoint } from '../endpoints/revocation.endpoint.js';
import { logoutAllController, logoutController, SESSION_ENDPOINTS, sessionsController } from '../endpoints/session.controllers.js';
import { SessionEndpoints } from '../endpoints/session-endpoints.js';
import { TokenEndpoint } from '../endpoints/token.endpoint.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import { tokenInstanceToken } from '../nest/token-instance.js';
import { PrincipalHooks } from '../principal/principal-hooks.js';
import { tokenTypeOf } from '../transport/header-place.js';
import {
  accessTokenServiceToken,
  refreshServiceToken,
  REQUEST_OPTIONS,
  RESOLVED_OPTIONS,
  tokenTransportToken,
} from './injection-tokens.js';
import type { TypedToken } from './provide.js';
import { provide } from './provide.js';
import type { ResolvedExtras } from './require-extras.js';

/** What the endpoints add to the module of an instance. */
export interface EndpointParts {
  readonly controllers: Type[];
  readonly providers: FactoryProvider[];
}

/** The endpoints that speak OAuth. The others speak as every other route of the application does. */
const OAUTH = ['token', 'revoke', 'introspect'] as const satisfies readonly EndpointRoute[];
type OAuthRoute = (typeof OAUTH)[number];

const METADATA: TypedToken<MetadataEndpoint | null> = 'nestjs-token:MetadataEndpoint';
const JWKS: TypedToken<JwksEndpoint | null> = 'nestjs-token:JwksEndpoint';

/** Returns the controllers of the endpoints of an instance, and what they work with. */
export function endpointParts({ name, mounted }: ResolvedExtras): EndpointParts {
  const { routes, path } = mounted;
  const oauth = OAUTH.filter((route) => routes.includes(route));
  const controllers = new Map(
    routes.map((route) => {
      const controller = controllerOf(route, { instance: name, path: pathOf(path, route) });
      return [route, decorateController(controller, mounted.decorators)];
    }),
  );
  return {
    controllers: [...controllers.values()],
    providers: [
      ...oauth.map((route) => oauthProvider(route, name, mounted)),
      ...(oauth.length > 0 ? [clientsProvider(mounted)] : []),
      ...(oauth.length < routes.length ? [sessionEndpointsProvider(name)] : []),
      jwksProvider(name, mounted),
      metadataProvider(mounted),
      provide(MountedEndpoints, {
        inject: [REQUEST_OPTIONS, JWKS, METADATA],
        useFactory: async ({ transport }, jwks, metadata) => {
          await documentEndpoints(controllers, { name, usesCookies: transport.mode === 'cookie' });
          const forms = oauth.flatMap((route) => controllers.get(route) ?? []);
          return new MountedEndpoints({ path: routes.length === 0 ? null : path, forms, jwks, metadata });
        },
      }),
    ],
  };
}

function pathOf(path: string, route: EndpointRoute): string {
  return `${path}/${ENDPOINT_ROUTES[route]}`;
}

function endpointToken(route: OAuthRoute): TypedToken<OAuthEndpoint> {
  return `nestjs-token:OAuthEndpoint:${route}`;
}

function controllerOf(route: EndpointRoute, place: ControllerPlace): Type {
  switch (route) {
    case 'logout':
      return logoutController(place);
    case 'logoutAll':
      return logoutAllController(place);
    case 'sessions':
      return sessionsController(place);
    default:
      return oauthController(endpointToken(route), place);
  }
}

function oauthProvider(route: OAuthRoute, name: string, { requireClient }: ResolvedEndpoints): FactoryProvider {
  return provide(endpointToken(route), {
    inject: [
      RESOLVED_OPTIONS,
      refreshServiceToken(name),
      accessTokenServiceToken(name),
      PrincipalHooks,
      ClientRegistry,
      tokenInstanceToken(name),
    ],
    useFactory: ({ transport }, refresh, accessTokens, hooks, clients, instance) => {
      const operations: Record<OAuthRoute, () => OAuthOperation> = {
        token: () => new TokenEndpoint(refresh),
        revoke: () => new RevocationEndpoint({ refresh, accessTokens }),
        introspect: () => new IntrospectionEndpoint(tokenTypeOf(transport.header), { accessTokens, hooks }),
      };
      return new OAuthEndpoint(requireClient || route === 'introspect', { operation: operations[route](), clients, instance });
    },
  });
}

function clientsProvider({ routes, requireClient }: ResolvedEndpoints): FactoryProvider {
  return provide(ClientRegistry, {
    inject: [RESOLVED_OPTIONS],
    useFactory: ({ clients }) => {
      const asking = routes.includes('introspect') ? 'introspect' : requireClient ? 'requireClient' : null;
      if (asking !== null && clients.length === 0) {
        throw new TokenOptionsError('clients', `is empty, and endpoints.${asking} needs a client: give its id and its secret`);
      }
      return new ClientRegistry(clients);
    },
  });
}

function sessionEndpointsProvider(name: string): FactoryProvider {
  return provide(SESSION_ENDPOINTS, {
    inject: [refreshServiceToken(name), accessTokenServiceToken(name), tokenTransportToken(name), tokenInstanceToken(name)],
    useFactory: (refresh, accessTokens, transport, instance) => new SessionEndpoints({ refresh, accessTokens, transport, instance }),
  });
}

function jwksProvider(name: string, { jwksPath }: ResolvedEndpoints): FactoryProvider {
  return provide(JWKS, {
    inject: [accessTokenServiceToken(name)],
    useFactory: (accessTokens) => (jwksPath === null ? null : new JwksEndpoint(jwksPath, accessTokens)),
  });
}

function metadataProvider(endpoints: ResolvedEndpoints): FactoryProvider {
  const { metadataPath, path } = endpoints;
  return provide(METADATA, {
    inject: [RESOLVED_OPTIONS, ApplicationConfig],
    useFactory: ({ access: { issuer } }, config) =>
      metadataPath === null
        ? null
        : new MetadataEndpoint(metadataPath, { issuer, endpoints, pathOf: (route) => pathInApplication(pathOf(path, route), config) }),
  });
}
