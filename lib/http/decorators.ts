import type { CustomDecorator } from '@nestjs/common';
import { SetMetadata } from '@nestjs/common';
import type { Duration } from '../duration.js';
import { parseDuration } from '../duration.js';
import { INSTANCE_METADATA } from '../principal/callers.js';

/** Metadata keys that the guard and the interceptor read: of the handler, else of its class. */
export const AUTH_METADATA = {
  access: 'nestjs-token:access',
  fresh: 'nestjs-token:fresh',
  instance: INSTANCE_METADATA,
} as const;

/** Opens a route, or all routes of a controller, that a guard would close. No token is looked at. */
export const Public = (): CustomDecorator => SetMetadata(AUTH_METADATA.access, 'public');

/** A request without credentials is anonymous; one with bad credentials is still refused. */
export const OptionalAuth = (): CustomDecorator => SetMetadata(AUTH_METADATA.access, 'optional');

/**
 * The user must have signed in within `maxAge`; otherwise `fresh_token_required`, and the session lives on. A refresh does not count.
 * @throws {TypeError} on a malformed duration.
 */
export const Fresh = (maxAge: Duration): CustomDecorator => SetMetadata(AUTH_METADATA.fresh, parseDuration(maxAge));

/** Which module instance guards a route or controller, by the `name` given to `TokenModule`. */
export const AuthInstance = (name: string): CustomDecorator => SetMetadata(AUTH_METADATA.instance, name);
