import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Creates a directory and its parents. Node's `recursive` option never returns where the system forbids new directories, as in `/proc`. */
export function makeDirectory(path: string): void {
  if (isMade(path)) return;
  makeDirectory(dirname(path));
  mkdirUnlessThere(path);
}

/** Creates one directory. @returns false if its parent is missing as well. */
function isMade(path: string): boolean {
  try {
    mkdirUnlessThere(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(path) !== path) return false;
    throw error;
  }
}

function mkdirUnlessThere(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
