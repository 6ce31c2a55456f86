import type { HttpServer } from '@nestjs/common';
import { TokenOptionsError } from '../errors/token.errors.js';
import { publish } from './document-route.js';
import type { EndpointRoute, ResolvedEndpoints } from './endpoint.options.js';
import { takePath } from './taken-paths.js';

/** What the document tells, in addition to which endpoints there are. */
export interface MetadataSettings {
  readonly issuer: string;
  readonly endpoints: ResolvedEndpoints;
  /** Returns the path at which clients find a route, with the prefix of the application. It is asked once the application has started. */
  readonly pathOf: (route: EndpointRoute) => string;
}

/** The standard place for an issuer without a path. */
const STANDARD = '/.well-known/oauth-authorization-server';
const SECRETS = ['client_secret_basic', 'client_secret_post'];

/** `GET /.well-known/oauth-authorization-server`: where the OAuth endpoints of an instance are (RFC 8414). */
export class MetadataEndpoint {
  constructor(
    private readonly path: string,
    private readonly settings: MetadataSettings,
  ) {}

  /**
   * Adds the route to a server, before the routes of the application are there.
   * @throws {TokenOptionsError} if the issuer is no address, or another instance has taken the path.
   */
  mount(server: HttpServer): void {
    const { issuer } = this.settings;
    if (!URL.canParse(issuer) || !/^https?:\/\/[^?#]+$/.test(issuer)) {
      throw new TokenOptionsError(
        'endpoints.metadata',
        'needs an issuer that is an address (https in production) without a query (RFC 8414 §2)',
      );
    }
    const suffix = this.path === STANDARD ? new URL(issuer).pathname.replace(/\/$/, '') : '';
    takePath(server, 'endpoints.metadata', `${this.path}${suffix}`);
    publish(server, `${this.path}${suffix}`, () => this.document());
  }

  private document(): object {
    const { issuer, endpoints } = this.settings;
    const { jwksPath, requireClient, routes } = endpoints;
    const methods = requireClient ? SECRETS : ['none', ...SECRETS];
    const told = (route: EndpointRoute, members: () => object): object => (routes.includes(route) ? members() : {});
    return {
      issuer,
      response_types_supported: [],
      grant_types_supported: routes.includes('token') ? ['refresh_token'] : [],
      ...told('token', () => ({ token_endpoint: this.addressOf('token'), token_endpoint_auth_methods_supported: methods })),
      ...told('revoke', () => ({ revocation_endpoint: this.addressOf('revoke'), revocation_endpoint_auth_methods_supported: methods })),
      ...told('introspect', () => ({
        introspection_endpoint: this.addressOf('introspect'),
        introspection_endpoint_auth_methods_supported: SECRETS,
      })),
      ...(jwksPath !== null && { jwks_uri: new URL(jwksPath, issuer).href }),
    };
  }

  private addressOf(route: EndpointRoute): string {
    const { pathOf, issuer } = this.settings;
    return new URL(pathOf(route), issuer).href;
  }
}
