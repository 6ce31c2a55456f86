import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { EnvironmentError } from './environment-error.js';

/** What a server needs for https, in PEM. */
export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/**
 * Reads the certificate and its key.
 * @returns undefined if neither path is given.
 * @throws {EnvironmentError} if one of the paths is missing, a file cannot be read, or the two do not belong together.
 */
export function readTlsFiles(certPath: string | undefined, keyPath: string | undefined): TlsFiles | undefined {
  if (certPath === undefined && keyPath === undefined) return undefined;
  if (certPath === undefined) throw new EnvironmentError('TLS_CERT', 'is missing: TLS_KEY needs it');
  if (keyPath === undefined) throw new EnvironmentError('TLS_KEY', 'is missing: TLS_CERT needs it');
  const cert = readPem('TLS_CERT', certPath);
  const key = readPem('TLS_KEY', keyPath);
  requireUsable('TLS_CERT', { cert });
  requireUsable('TLS_KEY', { cert, key });
  return { cert, key };
}

function readPem(variable: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new EnvironmentError(variable, `is not the path of a file that can be read (${(cause as NodeJS.ErrnoException).code})`, {
      cause,
    });
  }
}

function requireUsable(variable: string, files: Partial<TlsFiles>): void {
  try {
    createSecureContext(files);
  } catch (cause) {
    throw new EnvironmentError(
      variable,
      `is not usable (${(cause as NodeJS.ErrnoException).code}): it is no PEM, or not of this certificate`,
      {
        cause,
      },
    );
  }
}
