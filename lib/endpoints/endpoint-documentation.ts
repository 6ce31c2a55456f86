import type { Type } from '@nestjs/common';
import type * as OpenApi from '@nestjs/swagger';
import { isMissingPackage } from '../errors/missing-package.js';
import { DEFAULT_NAME } from '../keys/key-ring.js';
import type { DocumentedOperation } from './documented-operations.js';
import { OPERATIONS } from './documented-operations.js';
import type { EndpointRoute } from './endpoint.options.js';

type Swagger = typeof OpenApi;

/** What the description depends on. */
export interface DocumentedInstance {
  readonly name: string;
  /** Whether access tokens travel in cookies. */
  readonly usesCookies: boolean;
}

/** The controllers that are described already: an application may be started twice. */
const DESCRIBED = new WeakSet<Type>();

/** Describes the controllers of the endpoints for OpenAPI, if `@nestjs/swagger` is installed. */
export async function documentEndpoints(controllers: ReadonlyMap<EndpointRoute, Type>, instance: DocumentedInstance): Promise<void> {
  const swagger = controllers.size === 0 ? null : await loadSwagger();
  if (!swagger) return;
  for (const [route, controller] of controllers) {
    if (DESCRIBED.has(controller)) continue;
    DESCRIBED.add(controller);
    swagger.ApiTags('auth')(controller);
    for (const [method, operation] of Object.entries(OPERATIONS[route])) {
      describe(controller, method, decoratorsOf(ownOf(operation, instance), swagger));
    }
  }
}

/** The id of an operation is unique in a document, and the caller proves himself with what the instance reads. */
function ownOf(operation: DocumentedOperation, { name, usesCookies }: DocumentedInstance): DocumentedOperation {
  const id = name === DEFAULT_NAME ? operation.id : `${operation.id}_${name.replace(/\W/g, '_')}`;
  return { ...operation, id, security: operation.security.map((scheme) => (scheme === 'bearer' && usesCookies ? 'cookie' : scheme)) };
}

async function loadSwagger(): Promise<Swagger | null> {
  try {
    return await import('@nestjs/swagger');
  } catch (error) {
    if (isMissingPackage(error)) return null;
    throw error;
  }
}

function describe(controller: Type, method: string, decorators: readonly MethodDecorator[]): void {
  const prototype = controller.prototype as object;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, method);
  if (descriptor) for (const decorate of decorators) decorate(prototype, method, descriptor);
}

function decoratorsOf({ id, summary, body, query, security, responses }: DocumentedOperation, swagger: Swagger): MethodDecorator[] {
  const { ApiBody, ApiConsumes, ApiOperation, ApiQuery, ApiResponse, ApiSecurity } = swagger;
  return [
    ApiOperation({ operationId: id, summary }),
    ...(body ? [ApiConsumes(...body.types), ApiBody({ schema: body.schema, required: body.schema.required !== undefined })] : []),
    ...(query ?? []).map((parameter) => ApiQuery({ required: false, ...parameter })),
    ...security.map((scheme) => ApiSecurity(scheme)),
    ...Object.entries(responses).map(([status, { description, schema, headers }]) =>
      ApiResponse({ status: Number(status), description, ...(schema && { schema }), ...(headers && { headers }) }),
    ),
  ];
}
