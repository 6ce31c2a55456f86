import { StoreUnavailable, TokenError } from '../errors/token.errors.js';
import type { TokenRepository } from './token-repository.js';
import { StoreConflict } from './token-repository.js';

/** How often something is tried at the most: after a lost race, a conflict, or a conditional write that met another one. */
const ROUNDS = 4;

/** The repository, asked again where a statement has met another one, and never for longer than the caller can wait. */
export class PatientStore {
  /** @param patienceMs milliseconds after which no further round begins. */
  constructor(
    readonly repository: TokenRepository,
    private readonly patienceMs: number,
  ) {}

  /** Asks one question. @throws {StoreUnavailable} rejects with it when the store does not answer. */
  async ask<T>(question: (repository: TokenRepository) => Promise<T>): Promise<T> {
    const { answer } = await this.inRounds(async () => ({ answer: await question(this.repository) }));
    return answer;
  }

  /**
   * Does a round until one comes to a result.
   * @param round returns null where everything has to be looked at again.
   * @throws {StoreUnavailable} rejects with it when the store fails, or when no round came to a result.
   */
  async inRounds<T>(round: () => Promise<T | null>): Promise<T> {
    let cause: unknown;
    const deadline = performance.now() + this.patienceMs;
    for (let left = ROUNDS; left > 0 && performance.now() < deadline; left--) {
      try {
        const result = await round();
        if (result !== null) return result;
      } catch (error) {
        if (error instanceof TokenError) throw error;
        if (!(error instanceof StoreConflict)) throw new StoreUnavailable({ cause: error });
        cause = error;
      }
    }
    throw new StoreUnavailable({ cause });
  }
}
