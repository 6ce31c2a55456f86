import { Logger } from '@nestjs/common';
import { randomBytes, randomUUID } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeDirectory } from './directory.js';
import { EnvironmentError } from './environment-error.js';
import type { Environment } from './environment.js';
import { DEFAULT_FILE } from './environment.js';

/** Returns `TOKEN_SECRET`. If it is missing, returns a random secret, which is kept in a file as long as the sessions are kept. */
export function tokenSecret({ tokenSecret: given, database }: Environment): string {
  if (given !== undefined) return given;
  const logger = new Logger('Reference');
  // A database on a server has no folder for it, so all processes on this machine share the file in the folder of the sample.
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

/** Writes a secret to a new file and then links it. If two processes start at once, both read the secret of the first. */
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
