import type { AccessTokenClaims } from '../access-token/access-token.claims.js';

/** What `loadUser` returns. Empty here: declare yours by merging, `declare module 'nestjs-token' { interface PrincipalUser { id: string } }`. */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- applications fill it by declaration merging
export interface PrincipalUser {}

/**
 * The authenticated caller, as `@CurrentUser()` and `request.user` give it: the verified claims of the access token (those that the
 * application added included), and what `loadUser` returned. A fresh object for each request; nested claims are frozen.
 *
 * Extend it by declaration merging to type your own claims, and {@link PrincipalUser} to type the user:
 * `declare module 'nestjs-token' { interface Principal { roles: string[] } }`
 */
export interface Principal extends AccessTokenClaims {
  /** What the `loadUser` hook returned; absent without the hook. */
  user?: PrincipalUser;
}
