import type { OnModuleInit } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { PasswordHash } from './password.js';
import { hashPassword, isPassword } from './password.js';

/** A user of the sample, without the password. */
export interface Account {
  readonly name: string;
  readonly roles: readonly string[];
}

/** An account after a correct password, with the hash that the password was compared with. */
export interface CheckedAccount extends Account {
  readonly hash: PasswordHash;
}

const ACCOUNTS: readonly Account[] = [
  { name: 'alice', roles: ['admin'] },
  { name: 'bob', roles: [] },
];
const PASSWORD = 'correct horse battery staple';

/** The users. In your application they come from your database. */
@Injectable()
export class AccountsService implements OnModuleInit {
  private readonly accounts = new Map<string, Account>(ACCOUNTS.map((account) => [account.name, account]));
  private readonly disabled = new Set<string>();
  private readonly hashes = new Map<string, PasswordHash>();
  /**
   * Hash for users that do not exist. A sign-in with an unknown name takes the same time, so that nobody can find out names by measuring.
   */
  private nobody!: PasswordHash;

  async onModuleInit(): Promise<void> {
    for (const { name } of ACCOUNTS) this.hashes.set(name, await hashPassword(PASSWORD));
    this.nobody = await hashPassword('');
  }

  /** Returns the account, or null if the name is unknown or the password is wrong. */
  async checkPassword(name: string, password: string): Promise<CheckedAccount | null> {
    const hash = this.hashes.get(name) ?? this.nobody;
    const account = this.accounts.get(name);
    return (await isPassword(password, hash)) && account ? { ...account, hash } : null;
  }

  /**
   * Returns whether the password is still the one that was checked. With a database, compare the stored hash, or a version number of it.
   */
  hasStill({ name, hash }: CheckedAccount): boolean {
    return this.hashes.get(name) === hash;
  }

  async changePassword(name: string, password: string): Promise<void> {
    this.hashes.set(name, await hashPassword(password));
  }

  /** Returns the account, or null if the name is unknown or the account is disabled. */
  active(name: string): Account | null {
    return this.disabled.has(name) ? null : (this.accounts.get(name) ?? null);
  }

  /** Disables an account until the process ends. @returns false if there is no such account. */
  disable(name: string): boolean {
    if (!this.accounts.has(name)) return false;
    this.disabled.add(name);
    return true;
  }
}
