import type { TokenRepository } from '../../session/token-repository.js';

/** A store that one case of the contract may use. */
export interface OpenedStore {
  /** The repository under test. It may be shared between cases: each uses a realm of its own. */
  readonly repository: TokenRepository;
  /**
   * Moves the store's clock on by whole milliseconds, where that is possible; otherwise the clock stands still. Left out for a
   * real database: the cases then use spans of a day and of a millisecond, and wait at most 30 ms, so that they see no exact boundary.
   */
  advance?(milliseconds: number): void;
  /** Called when the case is over, also when it has failed. Removes its rows, where they would be in somebody's way. */
  close?(): Promise<void>;
}
