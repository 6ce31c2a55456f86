import type { ModulesContainer } from '@nestjs/core';
import { MetadataScanner } from '@nestjs/core';
import { JwtAuthGuard } from './jwt-auth.guard.js';

/** A class, whatever its constructor takes. */
export type Class = abstract new (...args: never[]) => object;

/** A method of a class that Nest knows. It is a handler or any other method. */
export interface Method {
  readonly owner: Class;
  readonly handler: object;
  /** `Class.method`, for messages. */
  readonly name: string;
}

/**
 * The metadata keys that Nest writes on a handler of HTTP, WebSocket, microservices and GraphQL, the one that marks a handler of WebSocket,
 * and the one that holds the guards of a method or class.
 */
const HANDLER_KEYS = ['path', 'message', 'microservices:pattern', 'graphql:resolver_type'];
const GATEWAY_MESSAGE_KEY = 'websockets:message_mapping';
const GUARDS_KEY = '__guards__';

/**
 * Returns the classes of all controllers and providers, also of those that are made for each request only, and of objects that factories
 * have made.
 */
export function classesIn(modules: ModulesContainer): Set<Class> {
  const wrappers = [...modules.values()].flatMap(({ controllers, providers }) => [...controllers.values(), ...providers.values()]);
  return new Set(wrappers.map(({ instance }) => classOf(instance)).filter((owner) => owner !== null));
}

function classOf(instance: unknown): Class | null {
  const prototype: unknown = typeof instance === 'object' && instance !== null ? Object.getPrototypeOf(instance) : null;
  const owner: unknown = prototype && Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof owner === 'function' && owner.prototype === prototype && prototype !== Object.prototype ? (owner as Class) : null;
}

/** Returns all methods of a class, with those that it inherits. */
export function methodsOf(owner: Class): Method[] {
  const prototype = owner.prototype as Readonly<Record<string, object>>;
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((method) => {
    const handler = prototype[method];
    return handler ? [{ owner, handler, name: `${owner.name}.${method}` }] : [];
  });
}

/** Tells whether Nest calls a method for a request or a message. */
export function isHandler(handler: object): boolean {
  return HANDLER_KEYS.some((key) => Reflect.hasMetadata(key, handler));
}

/** Tells whether Nest calls a method for the messages of a gateway. */
export function isGatewayMessage(handler: object): boolean {
  return Reflect.getMetadata(GATEWAY_MESSAGE_KEY, handler) === true;
}

/** Tells whether `JwtAuthGuard`, or a subclass of it, is bound to a class or a method. */
export function hasTokenGuard(target: object): boolean {
  return guardsOf(target).some(isTokenGuard);
}

/** Returns the guards that are bound to a class or a method, or their classes. */
export function guardsOf(target: object): readonly unknown[] {
  return (Reflect.getMetadata(GUARDS_KEY, target) as readonly unknown[] | undefined) ?? [];
}

/** Tells whether a guard, or the class of one, is `JwtAuthGuard` or a subclass of it. */
export function isTokenGuard(guard: unknown): boolean {
  const prototype: unknown = typeof guard === 'function' ? guard.prototype : guard;
  return prototype instanceof JwtAuthGuard || prototype === JwtAuthGuard.prototype;
}
