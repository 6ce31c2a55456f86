import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { MetadataScanner } from '@nestjs/core';
import { DEFAULT_NAME } from '../keys/key-ring.js';
import { AUTH_METADATA } from './decorators.js';
import { JwtAuthGuard } from './jwt-auth.guard.js';
import { accessOf } from './route-policy.js';
import { TokenOptionsError } from '../errors/token.errors.js';

type Class = abstract new (...args: never[]) => object;

/** A method of a class that Nest knows. It is a handler or any other method. */
interface Method {
  readonly owner: Class;
  readonly handler: object;
  /** `Class.method`, for messages. */
  readonly name: string;
}

/**
 * The metadata keys that Nest writes on a handler of HTTP, WebSocket, microservices and GraphQL, and the one that holds the guards of a
 * method or class.
 */
const HANDLER_KEYS = ['path', 'message', 'microservices:pattern', 'graphql:resolver_type'];
const GUARDS_KEY = '__guards__';

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

/**
 * Returns the classes of all controllers and providers, also of those that are made for each request only, and of objects that factories
 * have made.
 */
function classesIn(modules: ModulesContainer): Set<Class> {
  const wrappers = [...modules.values()].flatMap(({ controllers, providers }) => [...controllers.values(), ...providers.values()]);
  return new Set(wrappers.map(({ instance }) => classOf(instance)).filter((owner) => owner !== null));
}

function classOf(instance: unknown): Class | null {
  const prototype: unknown = typeof instance === 'object' && instance !== null ? Object.getPrototypeOf(instance) : null;
  const owner: unknown = prototype && Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof owner === 'function' && owner.prototype === prototype && prototype !== Object.prototype ? (owner as Class) : null;
}

function methodsOf(owner: Class): Method[] {
  const prototype = owner.prototype as Readonly<Record<string, object>>;
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((method) => {
    const handler = prototype[method];
    return handler ? [{ owner, handler, name: `${owner.name}.${method}` }] : [];
  });
}

function isHandler(handler: object): boolean {
  return HANDLER_KEYS.some((key) => Reflect.hasMetadata(key, handler));
}

function hasTokenGuard(target: object): boolean {
  const guards = Reflect.getMetadata(GUARDS_KEY, target) as readonly unknown[] | undefined;
  return guards?.some(isTokenGuard) ?? false;
}

function isTokenGuard(guard: unknown): boolean {
  const prototype: unknown = typeof guard === 'function' ? guard.prototype : guard;
  return prototype instanceof JwtAuthGuard || prototype === JwtAuthGuard.prototype;
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ');
}
