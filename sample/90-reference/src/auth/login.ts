import { BadRequestException } from '@nestjs/common';

/** The body of a sign-in. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

const LONGEST = 1_024;

/** @throws {BadRequestException} when a member is missing, not text, or absurdly long. */
export function readLogin(body: unknown): Login {
  const { username, password } = (body ?? {}) as Record<string, unknown>;
  if (!isText(username) || !isText(password)) throw new BadRequestException('username and password are required');
  return { username, password };
}

/** The new password in a body. @throws {BadRequestException} likewise. */
export function readPassword(body: unknown): string {
  const { password } = (body ?? {}) as Record<string, unknown>;
  if (!isText(password)) throw new BadRequestException('password is required');
  return password;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= LONGEST;
}
