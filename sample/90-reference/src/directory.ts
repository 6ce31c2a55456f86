import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes a directory and those above it. Node's own `recursive` tries for ever where the system lets nobody make one, as in `/proc`. */
export function makeDirectory(path: string): void {
  if (isMade(path)) return;
  makeDirectory(dirname(path));
  mkdirUnlessThere(path);
}

/** @returns false when the directory above it is missing, too. */
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
