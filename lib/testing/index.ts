/**
 * For the tests of an application: a store in memory, a clock to move, signed-in callers, and the contract that every repository passes.
 *
 * @packageDocumentation
 * @module nestjs-token/testing
 */
export { expiredPair } from './expired-pair.js';
export { FakeClock } from './fake-clock.js';
export { InMemoryTokenRepository } from './in-memory-token.repository.js';
export { issueTestPair } from './issue-test-pair.js';
export type { ServiceLocator, TestPairOptions } from './issue-test-pair.js';
export { tokenRepositoryContract } from './repository-contract.js';
export type { OpenedStore } from './contract/opened-store.js';
export type { RepositoryContractCase, RepositoryHarness } from './repository-contract.js';
export { signInAs } from './sign-in-as.js';
export type { SignedIn } from './sign-in-as.js';
export { tokenHeaders } from './token-headers.js';
export type { TokenHeadersOptions } from './token-headers.js';
export { useTestTokens } from './use-test-tokens.js';
export type { OverridableModule, TestTokensOptions } from './use-test-tokens.js';
