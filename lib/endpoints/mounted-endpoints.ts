import type { HttpServer, MiddlewareConsumer, Type } from '@nestjs/common';
import type { JwksEndpoint } from './jwks.endpoint.js';
import type { MetadataEndpoint } from './metadata.endpoint.js';
import { requireForm } from './require-form.js';
import { takePath } from './taken-paths.js';

/** What an instance adds to the server. */
export interface MountedParts {
  /** The path of the controllers. Null if there are none. */
  readonly path: string | null;
  /** The controllers whose requests have a form in their body. */
  readonly forms: readonly Type[];
  readonly jwks: JwksEndpoint | null;
  readonly metadata: MetadataEndpoint | null;
}

/** The endpoints of one instance, which add to the server what no controller adds. */
export class MountedEndpoints {
  constructor(private readonly parts: MountedParts) {}

  /**
   * Adds the routes of the server, and the middleware of the controllers.
   * @throws {TokenOptionsError} if another instance has taken a path.
   */
  mount(server: HttpServer, consumer: MiddlewareConsumer): void {
    const { path, forms, jwks, metadata } = this.parts;
    if (path !== null) takePath(server, 'endpoints.path', `/${path}`);
    jwks?.mount(server);
    metadata?.mount(server);
    if (forms.length > 0) consumer.apply(requireForm).forRoutes(...forms);
  }
}
