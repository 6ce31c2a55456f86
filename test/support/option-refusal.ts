import { TokenOptionsError } from 'nestjs-token';

/** Returns the error with which a wrong option is refused. */
export function refusalOf(work: () => unknown): TokenOptionsError {
  try {
    work();
  } catch (error) {
    if (error instanceof TokenOptionsError) return error;
    throw error;
  }
  throw new Error('was accepted');
}
