import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { EnvironmentError } from './environment-error.js';

/**
 * Reads the private key of `ACCESS_KEY`, which signs the access tokens.
 * @throws {EnvironmentError} if the file cannot be read, or holds something else than an Ed25519 key in PEM.
 */
export function readAccessKey(path: string): string {
  const pem = readFile(path);
  try {
    if (createPrivateKey(pem).asymmetricKeyType === 'ed25519') return pem;
  } catch {
    // The error has no cause, because the message of OpenSSL may quote the file.
  }
  throw new EnvironmentError('ACCESS_KEY', 'is not the path of an Ed25519 private key in PEM');
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new EnvironmentError('ACCESS_KEY', `is not the path of a file that can be read (${code})`, { cause });
  }
}
