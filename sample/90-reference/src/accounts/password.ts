import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** What is stored of a password. */
export interface PasswordHash {
  readonly salt: Buffer;
  readonly key: Buffer;
}

const KEY_BYTES = 32;
// Node's default cost (N = 2^14, r = 8, p = 1), to keep the sample quick. Raise it to what your servers bear: OWASP asks for N = 2^17.
const derive = promisify<string, Buffer, number, Buffer>(scrypt);

/** Hashes a password with a salt of its own. */
export async function hashPassword(password: string): Promise<PasswordHash> {
  const salt = randomBytes(16);
  return { salt, key: await derive(password, salt, KEY_BYTES) };
}

/** Whether a password is the hashed one. Takes the same time for a right and a wrong one. */
export async function isPassword(password: string, { salt, key }: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, salt, KEY_BYTES), key);
}
