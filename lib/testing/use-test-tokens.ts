import { Clock } from '../clock.js';
import { TokenRepository } from '../session/token-repository.js';
import { FakeClock } from './fake-clock.js';
import { InMemoryTokenRepository } from './in-memory-token.repository.js';

/** The part of Nest's `TestingModuleBuilder` that {@link useTestTokens} needs. */
export interface OverridableModule {
  /** Starts to replace a provider in all modules. */
  overrideProvider(token: unknown): {
    /** Replaces it with this value. */
    useValue(value: object): unknown;
  };
}

/** Settings of {@link useTestTokens}. */
export interface TestTokensOptions {
  /** The clock for the application. @defaultValue a new one, which starts at 2030-01-01T00:00:00Z */
  clock?: FakeClock;
}

/**
 * Keeps the sessions of an application in memory, and gives it a clock that the test moves. Call it on the builder before `compile()`.
 * Nothing else changes: tokens are signed with the application's own keys, and they rotate, expire and are revoked as in production.
 *
 * It replaces the repository and the clock of every instance of `TokenModule`, named ones included. The application's database gets no
 * statement about sessions. The rest of the application uses its database as before, and an instance with the option `push` still opens the
 * connection for it.
 *
 * @returns the clock of the application.
 * @example
 * const builder = Test.createTestingModule({ imports: [AppModule] });
 * const clock = useTestTokens(builder);
 * const app = (await builder.compile()).createNestApplication();
 */
export function useTestTokens(builder: OverridableModule, { clock = new FakeClock() }: TestTokensOptions = {}): FakeClock {
  builder.overrideProvider(Clock).useValue(clock);
  builder.overrideProvider(TokenRepository).useValue(new InMemoryTokenRepository(clock));
  return clock;
}
