import { TokenOptionsError } from '../errors/token.errors.js';
import type { TokenModuleOptions } from '../options/token.options.js';

/** Keeps options until they are resolved. Neither `inspect()` nor JSON shows them. */
export class SealedOptions {
  readonly #given: unknown;

  constructor(given: unknown) {
    this.#given = given;
  }

  /**
   * Returns the options.
   * @throws {TokenOptionsError} if a factory has returned no object.
   */
  open(): TokenModuleOptions {
    const given = this.#given;
    if (typeof given !== 'object' || given === null)
      throw new TokenOptionsError('options', 'are not an object: does the factory return them?');
    return given as TokenModuleOptions;
  }
}
