import type { OnModuleInit } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import type { PasswordHash } from './password.js';
import { hashPassword, isPassword } from './password.js';

/** A user of the sample, as the rest of it sees one. */
export interface Account {
  readonly name: string;
  readonly roles: readonly string[];
}

/** An account whose password was right, and what it was compared with. */
export interface CheckedAccount extends Account {
  readonly hash: PasswordHash;
}

const ACCOUNTS: readonly Account[] = [
  { name: 'alice', roles: ['admin'] },
  { name: 'bob', roles: [] },
];
const PASSWORD = 'correct horse battery staple';

/** The users: yours come from your database. */
@Injectable()
export class AccountsService implements OnModuleInit {
  private readonly accounts = new Map<string, Account>(ACCOUNTS.map((account) => [account.name, account]));
  private readonly disabled = new Set<string>();
  private readonly hashes = new Map<string, PasswordHash>();
  /** Stands in for users that do not exist: they cost the same time, so that names cannot be guessed by the clock. */
  private nobody!: PasswordHash;

  async onModuleInit(): Promise<void> {
    for (const { name } of ACCOUNTS) this.hashes.set(name, await hashPassword(PASSWORD));
    this.nobody = await hashPassword('');
  }

  /** The account, or null: unknown name or wrong password. */
  async checkPassword(name: string, password: string): Promise<CheckedAccount | null> {
    const hash = this.hashes.get(name) ?? this.nobody;
    const account = this.accounts.get(name);
    return (await isPassword(password, hash)) && account ? { ...account, hash } : null;
  }

  /** Whether the password has not been changed since it was checked. Where hashes are in a database, compare them, or a version of theirs. */
  hasStill({ name, hash }: CheckedAccount): boolean {
    return this.hashes.get(name) === hash;
  }

  async changePassword(name: string, password: string): Promise<void> {
    this.hashes.set(name, await hashPassword(password));
  }

  /** The account, or null: unknown or disabled. */
  active(name: string): Account | null {
    return this.disabled.has(name) ? null : (this.accounts.get(name) ?? null);
  }

  /** @returns whether there is such an account. */
  disable(name: string): boolean {
    if (!this.accounts.has(name)) return false;
    this.disabled.add(name);
    return true;
  }
}
