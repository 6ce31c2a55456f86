import type { StorePatience, TokenRepository } from './token-repository.js';

/** What the module's own store is told when it is made. */
export interface StoreSettings {
  readonly patience: StorePatience;
  /** Whether statements are prepared once for each connection. */
  readonly preparedStatements: boolean;
}

/** Makes the repository of an instance whose application has given none of its own. The store that is loaded for it provides this. */
export abstract class TokenRepositoryFactory {
  abstract create(settings: StoreSettings): TokenRepository;
}
