import type { Type } from '@nestjs/common';
import type * as OpenApi from '@nestjs/swagger';
import type { DocumentedOperation } from './documented-operations.js';
import { OPERATIONS } from './documented-operations.js';
import type { EndpointRoute } from './endpoint.options.js';

type Swagger = typeof OpenApi;

/** Describes the controllers of the endpoints for OpenAPI, if `@nestjs/swagger` is installed. */
export async function documentEndpoints(controllers: ReadonlyMap<EndpointRoute, Type>): Promise<void> {
  const swagger = controllers.size === 0 ? null : await loadSwagger();
  if (!swagger) return;
  for (const [route, controller] of controllers) {
    swagger.ApiTags('auth')(controller);
    for (const [method, operation] of Object.entries(OPERATIONS[route])) describe(controller, method, decoratorsOf(operation, swagger));
  }
}

async function loadSwagger(): Promise<Swagger | null> {
  try {
    return await import('@nestjs/swagger');
  } catch (error) {
    const { code } = Object(error) as { code?: unknown };
    if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return null;
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
