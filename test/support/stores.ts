import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import type { TokenRepository } from 'nestjs-token';
import { TokenSessionEntity, TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import { openSqlite } from './sqlite.js';

/** A store with a clock that tests move, and with contents that they can back up and restore. */
export interface TestStore {
  readonly repository: TokenRepository;
  readonly clock: FakeClock;
  /** Copies all rows. @returns a function that puts them back, as if a backup were restored. */
  backup(): Promise<() => Promise<void>>;
  /** Counts the rows. */
  count(): Promise<number>;
  /** Deletes all rows. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** The stores that the protocol is tested over. */
export const STORES = ['in-memory', 'SQLite'] as const;
export type StoreName = (typeof STORES)[number];

export async function openStore(name: StoreName): Promise<TestStore> {
  return name === 'SQLite' ? openSqliteStore() : openInMemoryStore();
}

function openInMemoryStore(): TestStore {
  const clock = new FakeClock();
  const repository = new InMemoryTokenRepository(clock);
  const rows = repository['sessions'];
  return {
    repository,
    clock,
    async backup() {
      const copies = [...rows];
      return async () => {
        rows.clear();
        for (const [id, row] of copies) rows.set(id, row);
      };
    },
    count: async () => rows.size,
    clear: async () => rows.clear(),
    close: async () => {},
  };
}

async function openSqliteStore(): Promise<TestStore> {
  const clock = new FakeClock();
  const dataSource = await openSqlite();
  const rows = dataSource.getRepository(TokenSessionEntity);
  return {
    repository: new TypeOrmTokenRepository(dataSource, { now: () => clock.now() }),
    clock,
    async backup() {
      const copies = await rows.find();
      return async () => {
        await rows.clear();
        await rows.save(copies);
      };
    },
    count: () => rows.count(),
    clear: () => rows.clear(),
    close: () => dataSource.destroy(),
  };
}
