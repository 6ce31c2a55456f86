import { Logger } from '@nestjs/common';
import { randomBytes, randomUUID } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory } from './directory.js';
import { EnvironmentError } from './environment-error.js';
import type { Environment } from './environment.js';
import { DEFAULT_FILE } from './environment.js';

/** The secret of the environment; without one, a random secret that outlives the process as the sessions do. */
export function tokenSecret({ tokenSecret: given, database }: Environment): string {
  if (given !== undefined) return given;
  const logger = new Logger('Reference');
  // Beside a server's database there is no place: processes on one machine share the one in the sample's folder.
  const databaseFile = database.type === 'better-sqlite3' ? database.file : DEFAULT_FILE;
  if (databaseFile === ':memory:') {
    logger.warn('TOKEN_SECRET is not set: a random secret signs the tokens until this process ends');
    return randomSecret();
  }
  const file = `${databaseFile}.secret`;
  logger.warn(`TOKEN_SECRET is not set: a random secret is kept in ${file} (mode 0600)`);
  try {
    return keptSecret(file);
  } catch (cause) {
    throw new EnvironmentError('TOKEN_SECRET', `is not set, and a random one cannot be kept (${(cause as Error).message})`, { cause });
  }
}

/** Written to a file of its own and then linked: of two processes that start at once, both read the secret of the first. */
function keptSecret(file: string): string {
  const draft = `${file}.${randomUUID()}`;
  makeDirectory(dirname(file));
  writeFileSync(draft, randomSecret(), { mode: 0o600, flag: 'wx' });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  return readFileSync(file, 'utf8');
}

function randomSecret(): string {
  return randomBytes(32).toString('base64url');
}
