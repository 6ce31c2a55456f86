import { TokenOptionsError } from '../errors/token.errors.js';
import type { TokenModuleOptions } from '../options/token.options.js';

/** Options on their way to the resolver. Neither `inspect()` nor JSON shows what is in it. */
export class SealedOptions {
  readonly #given: unknown;

  constructor(given: unknown) {
    this.#given = given;
  }

  /** @throws {TokenOptionsError} when a factory has returned no object. */
  open(): TokenModuleOptions {
    const given = this.#given;
    if (typeof given !== 'object' || given === null)
      throw new TokenOptionsError('options', 'are not an object: does the factory return them?');
    return given as TokenModuleOptions;
  }
}
