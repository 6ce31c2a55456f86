import { isThenable } from '../thenable.js';

/**
 * Calls a function of the application that nobody waits for.
 * @param onFailure is called if the function throws, or if the promise that it returns rejects.
 */
export function callGuarded<T>(listener: (value: T) => unknown, value: T, onFailure: () => void): void {
  try {
    const result = listener(value);
    // Only a promise can fail later.
    if (isThenable(result)) result.then(undefined, onFailure);
  } catch {
    onFailure();
  }
}
