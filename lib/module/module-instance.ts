import type { KeySource } from '../keys/key-source.js';
import type { RequestOptions } from '../options/resolve-options.js';

/** One instance of the module, as the other instances of an application see it. */
export class ModuleInstance {
  constructor(
    readonly name: string,
    readonly options: RequestOptions,
    readonly keys: KeySource,
  ) {}
}
