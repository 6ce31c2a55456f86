import { ADVANCE_CASES } from './contract/advance.cases.js';
import { AUTH_TIME_CASES } from './contract/auth-time.cases.js';
import { BOUND_KEY_CASES } from './contract/bound-key.cases.js';
import { ContractStore } from './contract/contract-store.js';
import { IDLE_LIFETIME_CASES } from './contract/idle-lifetime.cases.js';
import { INSERT_CASES } from './contract/insert.cases.js';
import { LIMIT_CASES } from './contract/limit.cases.js';
import { LIST_CASES } from './contract/list.cases.js';
import { RACE_CASES } from './contract/race.cases.js';
import type { OpenedStore } from './contract/opened-store.js';
import { REVOKE_CASES } from './contract/revoke.cases.js';
import { REVOKED_SINCE_CASES } from './contract/revoked-since.cases.js';
import { ROTATE_CASES } from './contract/rotate.cases.js';
import { SESSION_LIMIT_CASES } from './contract/session-limit.cases.js';
import { UPDATE_CASES } from './contract/update.cases.js';

/** How the contract gets at a store. */
export interface RepositoryHarness {
  /** Called once per case. */
  create(): Promise<OpenedStore>;
}

/** One case of the contract, for any test runner. */
export interface RepositoryContractCase {
  /** The behaviour that the case tests, in the present tense. Unique in the contract. */
  readonly title: string;
  /** Runs the case. Rejects with an `AssertionError`, or with an error of the repository, if the repository behaves differently. */
  run(): Promise<void>;
}

const CASES = [
  ...INSERT_CASES,
  ...AUTH_TIME_CASES,
  ...SESSION_LIMIT_CASES,
  ...ROTATE_CASES,
  ...LIMIT_CASES,
  ...ADVANCE_CASES,
  ...RACE_CASES,
  ...IDLE_LIFETIME_CASES,
  ...UPDATE_CASES,
  ...BOUND_KEY_CASES,
  ...REVOKE_CASES,
  ...REVOKED_SINCE_CASES,
  ...LIST_CASES,
];

/**
 * The contract of a `TokenRepository`, as cases for any test runner: every verb, every condition (with both sides of each boundary),
 * atomicity under 32 simultaneous callers, separation of realms. A class that passes may be given as the `repository` of a module.
 *
 * The contract cannot show that a store survives a crash, or that it reads from the primary. Run it with as many connections as production
 * has, because one connection shows few races.
 *
 * @example
 * for (const { title, run } of tokenRepositoryContract({ create: async () => ({ repository: new MyRepository() }) })) test(title, run);
 */
export function tokenRepositoryContract(harness: RepositoryHarness): readonly RepositoryContractCase[] {
  return CASES.map(({ title, run }) => ({
    title,
    async run() {
      const opened = await harness.create();
      try {
        await run(new ContractStore(opened));
      } finally {
        await opened.close?.();
      }
    },
  }));
}
