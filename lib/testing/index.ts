export { FakeClock } from './fake-clock.js';
export { InMemoryTokenRepository } from './in-memory-token.repository.js';
export { issueTestPair } from './issue-test-pair.js';
export type { ServiceLocator, TestPairOptions } from './issue-test-pair.js';
export { tokenRepositoryContract } from './repository-contract.js';
export type { OpenedStore, RepositoryContractCase, RepositoryHarness } from './repository-contract.js';
