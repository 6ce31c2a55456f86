import type { ExecutionContext } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { DEFAULT_NAME } from '../keys/key-ring.js';
import { TokenOptionsError } from '../errors/token.errors.js';
import type { TokenLocation } from '../transport/token-location.js';
import type { SiteData } from './decorators.js';
import { AUTH_METADATA } from './decorators.js';
import type { TokenInstance } from './token-instance.js';
import { tokenInstanceToken } from './token-instance.js';

/** What the decorators of a route say. */
export interface RoutePolicy {
  readonly access: 'required' | 'optional' | 'public';
  /** The longest time since sign-in that the route allows, in milliseconds. `undefined` allows any. */
  readonly freshMs: number | undefined;
  /** Where the route looks for the access token. `undefined` means: where the options say. */
  readonly locations: readonly TokenLocation[] | undefined;
  /** What the browser deletes in addition to its tokens once the handler has succeeded. `undefined` if it deletes nothing. */
  readonly clears: readonly SiteData[] | undefined;
  readonly instance: TokenInstance;
}

/**
 * Returns who may call a route: what the decorator of its handler says, or else that of its own class. A subclass of an open class is not
 * open, because its author may not know that the base class is. The instance and `@Fresh()` are inherited, because they never open a route.
 */
export function accessOf(controller: object, handler: object): RoutePolicy['access'] {
  const declared: unknown =
    Reflect.getMetadata(AUTH_METADATA.access, handler) ?? Reflect.getOwnMetadata(AUTH_METADATA.access, controller) ?? 'required';
  return declared as RoutePolicy['access'];
}

/** Reads the decorators of a handler, or else of its class, and remembers them. */
export class RoutePolicies {
  private readonly byClass = new WeakMap<object, WeakMap<object, RoutePolicy>>();

  constructor(private readonly moduleRef: ModuleRef) {}

  of(context: ExecutionContext): RoutePolicy {
    return this.ofHandler(context.getClass(), context.getHandler());
  }

  /** Returns the policy of a handler. With the class in the place of the handler, it is that of the class. */
  ofHandler(controller: object, handler: object): RoutePolicy {
    const known = this.byClass.get(controller)?.get(handler);
    return known ?? this.read(controller, handler);
  }

  private read(controller: object, handler: object): RoutePolicy {
    const metadata = (key: string): unknown => Reflect.getMetadata(key, handler) ?? Reflect.getMetadata(key, controller);
    const policy = {
      access: accessOf(controller, handler),
      freshMs: metadata(AUTH_METADATA.fresh) as number | undefined,
      locations: metadata(AUTH_METADATA.locations) as readonly TokenLocation[] | undefined,
      clears: metadata(AUTH_METADATA.clears) as readonly SiteData[] | undefined,
      instance: this.instance((metadata(AUTH_METADATA.instance) as string | undefined) ?? DEFAULT_NAME),
    };
    const handlers = this.byClass.get(controller) ?? new WeakMap<object, RoutePolicy>();
    this.byClass.set(controller, handlers.set(handler, policy));
    return policy;
  }

  private instance(name: string): TokenInstance {
    try {
      return this.moduleRef.get<TokenInstance>(tokenInstanceToken(name), { strict: false });
    } catch {
      const remedy =
        name === DEFAULT_NAME
          ? 'import TokenModule without a name, or mark the route with @AuthInstance()'
          : 'import TokenModule with that name';
      throw new TokenOptionsError('name', `no TokenModule is named '${name}': ${remedy}`);
    }
  }
}
