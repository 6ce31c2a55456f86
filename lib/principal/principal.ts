import type { AccessTokenClaims } from '../access-token/access-token.claims.js';

/**
 * What `loadUser` returns. It is empty here. Declare yours by merging: `declare module 'nestjs-token' { interface PrincipalUser { id:
 * string } }`.
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- applications fill it by declaration merging
export interface PrincipalUser {}

/**
 * The authenticated caller, as `@CurrentUser()` and `request.user` give it. It consists of the verified claims of the access token,
 * including those of the application, and of what `loadUser` returned. Each request gets an object of its own, whose nested claims are
 * frozen.
 *
 * Extend it by declaration merging to type your own claims, and {@link PrincipalUser} to type the user: `declare module 'nestjs-token' {
 * interface Principal { roles: string[] } }`
 */
export interface Principal extends AccessTokenClaims {
  /** What the `loadUser` hook returned. Absent without the hook. */
  user?: PrincipalUser;
}
