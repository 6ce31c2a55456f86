import { TokenOptionsError } from '../errors/token.errors.js';
import { KeyRing } from './key-ring.js';
import { readKeySet } from './read-key-set.js';

/**
 * Makes a ring that only verifies from a key set that the application has.
 *
 * @param document the set, or its JSON text.
 * @throws {TokenOptionsError} if it is no key set, or one of its keys cannot be used.
 */
export function keyRingFromDocument(document: unknown): KeyRing {
  const { keys, refused } = readOrRefuse(document);
  const [reason] = keys.length === 0 ? [...refused, 'has no keys'] : refused;
  if (reason !== undefined) throw new TokenOptionsError('jwks.document', reason);
  return new KeyRing({ signing: null, verifyOnly: keys });
}

function readOrRefuse(document: unknown): ReturnType<typeof readKeySet> {
  try {
    return readKeySet(typeof document === 'string' ? JSON.parse(document) : document);
  } catch (error) {
    // The message of JSON.parse quotes its input.
    throw new TokenOptionsError('jwks.document', error instanceof SyntaxError ? 'is not JSON' : (error as Error).message);
  }
}
