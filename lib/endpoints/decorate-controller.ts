import type { Type } from '@nestjs/common';
import { AUTH_METADATA } from '../nest/decorators.js';

/** Applies the decorators of the application to a controller of ours. Who may call its routes stays as it is. */
export function decorateController(controller: Type, decorators: readonly ClassDecorator[]): Type {
  const access: unknown = Reflect.getOwnMetadata(AUTH_METADATA.access, controller);
  for (const decorate of decorators) decorate(controller);
  Reflect.defineMetadata(AUTH_METADATA.access, access, controller);
  return controller;
}
