import { Injectable } from '@nestjs/common';
import { randomBytes, scrypt, scryptSync, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

/**
 * The body of a sign-in. A client can send anything, so nothing is known about the values. Your application may validate them in a pipe.
 */
export class LoginDto {
  readonly username?: unknown;
  readonly password?: unknown;
}

/** A user of this application. */
export interface User {
  readonly id: string;
  readonly roles: readonly string[];
}

const USERS: readonly User[] = [
  { id: 'alice', roles: ['admin'] },
  { id: 'bob', roles: [] },
];

// Both users have the same password, so one hash is enough here. In your database, each user has a salt and a hash.
const SALT = randomBytes(16);
const HASH = scryptSync('correct horse battery staple', SALT, 32);
const hash = promisify<string, Buffer, number, Buffer>(scrypt);

/** The users of the demo. Replace this service with your own. */
@Injectable()
export class UsersService {
  /** Returns the user, or null if the name is unknown or the password is wrong. Both cases take the same time. */
  async checkPassword({ username, password }: LoginDto = {}): Promise<User | null> {
    if (typeof password !== 'string') return null;
    const isRight = timingSafeEqual(await hash(password, SALT, HASH.length), HASH);
    return (isRight && USERS.find(({ id }) => id === username)) || null;
  }
}
