import type { StorePatience, TokenRepository } from './token-repository.js';

/** Settings of the default store, given to it when it is made. */
export interface StoreSettings {
  readonly patience: StorePatience;
  /** Whether statements are prepared once for each connection. */
  readonly preparedStatements: boolean;
}

/** Makes the repository of an instance if the application has given none of its own. The store that is loaded then provides this. */
export abstract class TokenRepositoryFactory {
  abstract create(settings: StoreSettings): TokenRepository;
}
