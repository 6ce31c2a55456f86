import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/** What is stored instead of a password. */
export interface PasswordHash {
  readonly salt: Buffer;
  readonly key: Buffer;
}

const KEY_BYTES = 32;
// Node's default cost (N = 2^14, r = 8, p = 1), which keeps the sample fast. Raise it as far as your servers allow: OWASP recommends N =
// 2^17.
const derive = promisify<string, Buffer, number, Buffer>(scrypt);

/** Hashes a password with a new random salt. */
export async function hashPassword(password: string): Promise<PasswordHash> {
  const salt = randomBytes(16);
  return { salt, key: await derive(password, salt, KEY_BYTES) };
}

/** Returns whether a password matches a hash. Takes the same time for a right and a wrong one. */
export async function isPassword(password: string, { salt, key }: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, salt, KEY_BYTES), key);
}
