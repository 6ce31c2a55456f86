/**
 * What the `legacy.verify` hook says about a good access token. Instants are epoch milliseconds, and those of a JWT are seconds:
 * `exp * 1000`. The principal gets the issuer and the audience of the module, a `jti` that is derived from the token, and no `sid`.
 */
export interface LegacyAccess {
  /** The subject (`sub`). 1 to 255 characters of plain text. */
  readonly subject: string;
  /** The application's own claims. They become members of the principal. Reserved names are refused. @defaultValue none */
  readonly claims?: object;
  /**
   * Instant from which the token has expired. A token whose instant has passed is refused with `token_expired`, so the hook does not have
   * to compare it. @defaultValue the token is asked about again at every request
   */
  readonly expiresAt?: Date | number;
  /** Instant at which the token was issued. @defaultValue 0, not known */
  readonly issuedAt?: Date | number;
  /** Instant at which the user authenticated (`auth_time`). @defaultValue none, so a route with `@Fresh()` refuses the token */
  readonly authTime?: Date | number;
}

/**
 * The `legacy.verify` option. Checks an access token that is not one of this module.
 *
 * @returns what the token says, or null if it is not good.
 * @example
 * ```ts
 * const verify: LegacyVerifyHook = async (token) => {
 *   const { sub, exp, roles } = await oldJwt.verifyAsync(token, { algorithms: ['HS256'] });
 *   return { subject: String(sub), claims: { roles }, expiresAt: exp * 1000 };
 * };
 * ```
 */
export type LegacyVerifyHook = (token: string) => Promise<LegacyAccess | null> | LegacyAccess | null;
