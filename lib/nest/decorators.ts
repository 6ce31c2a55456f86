import type { CustomDecorator } from '@nestjs/common';
import { SetMetadata } from '@nestjs/common';
import type { Duration } from '../duration.js';
import { parseDuration } from '../duration.js';
import type { TokenLocation } from '../transport/token-location.js';
import { isTokenLocation } from '../transport/token-location.js';
import { INSTANCE_METADATA } from './callers.js';

/** Metadata keys that the guard and the interceptor read from the handler, or else from its class. A subclass does not inherit `access`. */
export const AUTH_METADATA = {
  access: 'nestjs-token:access',
  fresh: 'nestjs-token:fresh',
  locations: 'nestjs-token:locations',
  clears: 'nestjs-token:clears',
  instance: INSTANCE_METADATA,
} as const;

/**
 * Opens a route, or all routes of a controller, that a guard would close. No token is checked. A subclass does not inherit it from its base
 * class. {@link Protected} closes single routes of an open controller. The application refuses to start if it is on a method that has
 * {@link Fresh}, or on a class that has a method with `@UseGuards(JwtAuthGuard)`.
 */
export const Public = (): CustomDecorator => SetMetadata(AUTH_METADATA.access, 'public');

/**
 * Closes a route, or all routes of a controller, to callers without a good token, as a guard does by default: for single routes of a
 * controller that is marked with {@link Public} or {@link OptionalAuth}. It binds no guard: that is `globalGuard` or
 * `@UseGuards(JwtAuthGuard)`.
 *
 * @example
 * ```ts
 * @Controller('articles') @Public() @UseGuards(JwtAuthGuard)
 * class ArticlesController {
 *   @Get() list() {}                    // open
 *   @Post() @Protected() publish() {}   // needs a token
 * }
 * ```
 */
export const Protected = (): CustomDecorator => SetMetadata(AUTH_METADATA.access, 'required');

/** Admits a request without credentials as an anonymous one. A request with bad credentials is still refused. */
export const OptionalAuth = (): CustomDecorator => SetMetadata(AUTH_METADATA.access, 'optional');

/**
 * Requires that the user has signed in within `maxAge`. Otherwise the request is refused with `fresh_token_required`, and the session stays
 * open. A refresh does not count as a sign-in.
 * @throws {TypeError} on a malformed duration.
 */
export const Fresh = (maxAge: Duration): CustomDecorator => SetMetadata(AUTH_METADATA.fresh, parseDuration(maxAge));

/** Chooses the module instance that guards a route or controller, by the `name` given to `TokenModule`. */
export const AuthInstance = (name: string): CustomDecorator => SetMetadata(AUTH_METADATA.instance, name);

/**
 * Says where a route, or all routes of a controller, look for the access token, in this order. It replaces the option `locations`. The
 * first place that has a token counts: a bad token never falls through to the next place.
 * @throws {TypeError} on a value that is no {@link TokenLocation}, and on an empty list.
 * @example
 * ```ts
 * @Get('reports/:id.pdf') @TokenLocations('header', { query: 'access_token' }) download() {}
 * ```
 */
export const TokenLocations = (...locations: [TokenLocation, ...TokenLocation[]]): CustomDecorator => {
  if (locations.length === 0 || !locations.every(isTokenLocation)) {
    throw new TypeError("@TokenLocations(): not a list of 'header', 'cookie', { query: name } or { body: name }");
  }
  return SetMetadata(AUTH_METADATA.locations, Object.freeze(locations));
};

/** What `Clear-Site-Data` can name (W3C Clear Site Data §3.1). */
export type SiteData = 'cache' | 'cookies' | 'storage' | 'executionContexts' | '*';

/**
 * Makes the browser delete the cookies that carry tokens, once the handler has succeeded. It is for the route that signs out. It needs the
 * {@link TokenInterceptor}. Tokens in headers are the client's own business.
 * @param siteData what else the browser deletes of the site (`Clear-Site-Data`, which browsers heed over https only). By default nothing.
 * @example
 * ```ts
 * @Post('logout') @ClearTokens() @UseGuards(RefreshTokenGuard) @UseInterceptors(TokenInterceptor)
 * async logout(@RefreshToken() token?: string) { await this.refresh.signOut(token); }
 * ```
 */
export const ClearTokens = (...siteData: readonly SiteData[]): CustomDecorator => SetMetadata(AUTH_METADATA.clears, siteData);
