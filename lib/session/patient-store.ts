import { StoreUnavailable, TokenError } from '../errors/token.errors.js';
import type { StoreWatch } from './store-watch.js';
import type { TokenRepository } from './token-repository.js';
import { StoreConflict } from './token-repository.js';

/** Maximum number of attempts after a lost race, a conflict, or a conditional statement that met another one. */
const ROUNDS = 4;

/** Asks the repository again if a statement has met another one, but never for longer than the caller can wait. */
export class PatientStore {
  /**
   * @param patienceMs milliseconds after which no further round begins.
   * @param watch is told whether the store responds.
   */
  constructor(
    readonly repository: TokenRepository,
    private readonly patienceMs: number,
    readonly watch?: StoreWatch,
  ) {}

  /**
   * Asks one question.
   * @throws {StoreUnavailable} rejects with it if the store does not respond.
   */
  async ask<T>(question: (repository: TokenRepository) => Promise<T>): Promise<T> {
    const { answer } = await this.inRounds(async () => ({ answer: await question(this.repository) }));
    return answer;
  }

  /**
   * Asks one question that may fail although the store responds, for example because a row is there already. It does not tell the watch.
   * @throws {StoreUnavailable} rejects with it if the question fails.
   */
  async attempt<T>(question: (repository: TokenRepository) => Promise<T>): Promise<T> {
    return new PatientStore(this.repository, this.patienceMs).ask(question);
  }

  /**
   * Repeats a round until one comes to a result.
   * @param round returns null if everything must be read again.
   * @throws {StoreUnavailable} rejects with it if the store fails, or if no round came to a result.
   */
  async inRounds<T>(round: () => Promise<T | null>): Promise<T> {
    let cause: unknown;
    const deadline = performance.now() + this.patienceMs;
    for (let left = ROUNDS; left > 0 && performance.now() < deadline; left--) {
      try {
        const result = await round();
        this.watch?.succeeded();
        if (result !== null) return result;
      } catch (error) {
        if (!(error instanceof StoreConflict)) throw this.failure(error);
        cause = error;
      }
    }
    throw new StoreUnavailable({ cause });
  }

  /** Returns a verdict as it is. Everything else is an outage. A repository of the application may say so itself. */
  private failure(error: unknown): TokenError {
    if (error instanceof TokenError && !(error instanceof StoreUnavailable)) return error;
    this.watch?.failed();
    return error instanceof TokenError ? error : new StoreUnavailable({ cause: error });
  }
}
