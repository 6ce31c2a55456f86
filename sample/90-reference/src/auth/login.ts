import { BadRequestException } from '@nestjs/common';

/** The body of a sign-in. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

const LONGEST = 1_024;

/** Reads the body of a sign-in. @throws {BadRequestException} if a member is missing, is not text, or is longer than 1024 characters. */
export function readLogin(body: unknown): Login {
  const { username, password } = (body ?? {}) as Record<string, unknown>;
  if (!isText(username) || !isText(password)) throw new BadRequestException('username and password are required');
  return { username, password };
}

/** Reads the new password from a body. @throws {BadRequestException} under the same conditions. */
export function readPassword(body: unknown): string {
  const { password } = (body ?? {}) as Record<string, unknown>;
  if (!isText(password)) throw new BadRequestException('password is required');
  return password;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= LONGEST;
}
