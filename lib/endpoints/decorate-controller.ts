import type { Type } from '@nestjs/common';
import { AUTH_METADATA } from '../nest/decorators.js';

/** What decides who may call a route. */
const DECISIVE = [AUTH_METADATA.access, AUTH_METADATA.instance, AUTH_METADATA.locations];

/** Applies the decorators of the application to a controller of ours. Who may call its routes stays as it is. */
export function decorateController(controller: Type, decorators: readonly ClassDecorator[]): Type {
  const own = DECISIVE.map((key): unknown => Reflect.getOwnMetadata(key, controller));
  for (const decorate of decorators) decorate(controller);
  DECISIVE.forEach((key, index) => {
    if (own[index] === undefined) Reflect.deleteMetadata(key, controller);
    else Reflect.defineMetadata(key, own[index], controller);
  });
  return controller;
}
