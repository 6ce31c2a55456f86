import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import type { TokenRepository } from 'nestjs-token';
import { TokenSessionEntity, TypeOrmTokenRepository } from 'nestjs-token/typeorm';
import type { Engine } from './databases.js';
import { ENGINES, openDatabase } from './databases.js';
import { runs } from './runs.js';

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

export type StoreName = 'in-memory' | Engine;
/** The stores that the protocol is tested over in this run. */
export const STORES: readonly StoreName[] = ENGINES.includes('sqlite') ? ['in-memory', ...ENGINES] : ENGINES;

export async function openStore(name: StoreName): Promise<TestStore> {
  return name === 'in-memory' ? openInMemoryStore() : openDatabaseStore(name);
}

/** How many random cases a property is checked with: fewer where each one takes statements. */
export function runsOn(name: StoreName, inMemory: number): number {
  const shares = { 'in-memory': 1, sqlite: 5, postgres: 10, mariadb: 10, pglite: 20 };
  return runs(inMemory / shares[name]);
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

async function openDatabaseStore(engine: Engine): Promise<TestStore> {
  const clock = new FakeClock();
  const { dataSource, drop } = await openDatabase(engine);
  const rows = dataSource.getRepository(TokenSessionEntity);
  // Not TRUNCATE, which takes the servers longer than a test.
  const clear = async (): Promise<void> => {
    await rows.createQueryBuilder().delete().execute();
  };
  return {
    repository: new TypeOrmTokenRepository(dataSource, { now: () => clock.now() }),
    clock,
    async backup() {
      const copies = await rows.find();
      return async () => {
        await clear();
        await rows.save(copies);
      };
    },
    count: () => rows.count(),
    clear,
    close: drop,
  };
}
