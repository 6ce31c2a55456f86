/**
 * What the tests of an application need: a store in memory, a clock to set, and the contract that every repository passes.
 *
 * @packageDocumentation
 * @module nestjs-token/testing
 */
export { FakeClock } from './fake-clock.js';
export { InMemoryTokenRepository } from './in-memory-token.repository.js';
export { issueTestPair } from './issue-test-pair.js';
export type { ServiceLocator, TestPairOptions } from './issue-test-pair.js';
export { tokenRepositoryContract } from './repository-contract.js';
export type { OpenedStore } from './contract/opened-store.js';
export type { RepositoryContractCase, RepositoryHarness } from './repository-contract.js';
