import { MODULE } from './module.schema.js';
import { optionReader, ROOT } from './option-reader.js';
import type { TokenModuleOptions } from './token.options.js';

/** Reads the options outside of all groups. */
export type ModuleReader = ReturnType<typeof moduleReader>;

/** Makes the reader. Its type follows from the schema. */
export function moduleReader(given: TokenModuleOptions) {
  return optionReader({ group: ROOT, schema: MODULE, given });
}
