import { Injectable, UnauthorizedException } from '@nestjs/common';

/** A user, as the application of the guide keeps it. */
export interface User {
  readonly name: string;
  roles: string[];
  password: string;
  isActive: boolean;
  readonly maxDevices: number;
}

/** What stands for the users table of an application. */
@Injectable()
export class UsersService {
  /** How often a user has been read for a request. */
  reads = 0;
  private readonly users = new Map<string, User>();

  constructor() {
    for (const [name, roles, maxDevices] of [
      ['alice', ['admin'], 3],
      ['bob', ['user'], 3],
    ] as const) {
      this.users.set(name, { name, roles: [...roles], password: `${name}'s password`, isActive: true, maxDevices });
    }
  }

  async checkPassword(name: string, password: string): Promise<User> {
    const user = this.users.get(name);
    if (user?.password !== password) throw new UnauthorizedException();
    return user;
  }

  async findActive(name: string): Promise<object | null> {
    this.reads += 1;
    const user = this.users.get(name);
    return user?.isActive ? { name } : null;
  }

  async change(name: string, change: Partial<User>): Promise<void> {
    Object.assign(this.users.get(name) ?? {}, change);
  }
}
