import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const FOLDER = 'data';
const FILE = `${FOLDER}/token.secret`;

// Importing this file sets TOKEN_SECRET if it is missing. In production the secret has to come from outside: there, nothing is set, and
// the module refuses to start without it.
if (process.env.NODE_ENV !== 'production') process.env.TOKEN_SECRET ??= keptSecret();

/** Returns a random secret. It is kept in a file, so that sessions survive a restart of the application. */
function keptSecret(): string {
  if (!existsSync(FILE)) {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(FILE, randomBytes(32).toString('base64url'), { mode: 0o600 });
  }
  return readFileSync(FILE, 'utf8');
}
