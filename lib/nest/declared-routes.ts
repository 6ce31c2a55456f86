import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { DEFAULT_NAME } from '../keys/key-ring.js';
import { AUTH_METADATA } from './decorators.js';
import type { Method } from './declared-handlers.js';
import { classesIn, hasTokenGuard, isHandler, isTokenGuard, methodsOf } from './declared-handlers.js';
import { accessOf } from './route-policy.js';
import { TokenOptionsError } from '../errors/token.errors.js';

/**
 * Checks the decorators of all controllers, gateways and resolvers of an application. If they contradict each other or are misspelt, the
 * application refuses to start, instead of opening a route or failing at the first request.
 *
 * @param instances the names of all module instances of the application.
 * @throws {TokenOptionsError} naming the class and the method.
 */
export function requireSoundRoutes(instances: readonly string[], modules: ModulesContainer, config: ApplicationConfig): void {
  const guardedEverywhere = config.getGlobalGuards().some(isTokenGuard);
  for (const owner of classesIn(modules)) {
    requireInstance(owner.name, owner, instances);
    for (const method of methodsOf(owner)) {
      requireInstance(method.name, method.handler, instances);
      if (!instances.includes(DEFAULT_NAME)) requireNoDefaultInstance(method, guardedEverywhere, instances);
      requireNoContradiction(method);
    }
  }
}

function requireInstance(where: string, target: object, instances: readonly string[]): void {
  const name = Reflect.getMetadata(AUTH_METADATA.instance, target) as string | undefined;
  if (name === undefined || instances.includes(name)) return;
  throw new TokenOptionsError(
    'name',
    `no TokenModule is named '${name}', which @AuthInstance() on ${where} asks for: import TokenModule with that name, or take one of ${quoted(instances)}`,
  );
}

function requireNoDefaultInstance(method: Method, guardedEverywhere: boolean, instances: readonly string[]): void {
  const { owner, handler, name } = method;
  const asksForAnother = [handler, owner].some((target) => Reflect.hasMetadata(AUTH_METADATA.instance, target));
  const isGuarded = hasTokenGuard(handler) || (isHandler(handler) && (guardedEverywhere || hasTokenGuard(owner)));
  if (asksForAnother || !isGuarded) return;
  throw new TokenOptionsError(
    'name',
    `no TokenModule is named '${DEFAULT_NAME}', which JwtAuthGuard on ${name} asks for: import TokenModule without a name, or mark the route with @AuthInstance() and one of ${quoted(instances)}`,
  );
}

/** A guard and `@Public()` on one and the same method are no contradiction, because its author sees both. */
function requireNoContradiction({ owner, handler, name }: Method): void {
  if (accessOf(owner, handler) !== 'public') return;
  const isOwn = Reflect.hasMetadata(AUTH_METADATA.access, handler);
  const closing = Reflect.hasMetadata(AUTH_METADATA.fresh, handler)
    ? '@Fresh()'
    : hasTokenGuard(handler)
      ? '@UseGuards(JwtAuthGuard)'
      : null;
  if (closing === null || (isOwn && closing !== '@Fresh()')) return;
  const remedy = isOwn ? 'remove one of the two from the method' : 'mark the method with @Protected(), or remove @Public() from the class';
  throw new TokenOptionsError('@Public()', `opens ${name} in spite of its ${closing}: ${remedy}`);
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ');
}
