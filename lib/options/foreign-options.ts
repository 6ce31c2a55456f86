import { TokenOptionsError } from '../errors/token.errors.js';
import type { TokenModuleOptions } from './token.options.js';

/** The options of sessions, of their refresh tokens and of their store. Other kinds of instances have none of them. */
export const OF_SESSIONS = [
  'refresh',
  'revocation',
  'push',
  'storeTimeout',
  'preparedStatements',
  'janitor',
] as const satisfies readonly (keyof TokenModuleOptions)[];

/**
 * Refuses options that an instance of this kind does not have.
 * @param reason completes the message, which begins with the name of the option.
 * @throws {TokenOptionsError} naming the first one that is given.
 */
export function refuseOptions(given: TokenModuleOptions, options: readonly (keyof TokenModuleOptions)[], reason: string): void {
  const foreign = options.find((option) => given[option] !== undefined);
  if (foreign) throw new TokenOptionsError(foreign, reason);
}
