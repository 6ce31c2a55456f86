import { TokenOptionsError } from '../errors/token.errors.js';

/** The paths that are taken, for each server. */
const TAKEN = new WeakMap<object, Set<string>>();

/**
 * Takes a path for an instance.
 * @param option the option that names the path, for the message.
 * @throws {TokenOptionsError} if another instance of the same application has taken it.
 */
export function takePath(server: object, option: string, path: string): void {
  const taken = TAKEN.get(server) ?? new Set();
  if (taken.has(path)) {
    throw new TokenOptionsError(option, `another instance uses the path ${path} too: give one of them another path`);
  }
  TAKEN.set(server, taken.add(path));
}
