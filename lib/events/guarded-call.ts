/**
 * Calls a function of the application that nobody waits for.
 * @param onFailure is called if the function throws, or if the promise that it returns rejects.
 */
export function callGuarded<T>(listener: (value: T) => unknown, value: T, onFailure: () => void): void {
  try {
    const result = listener(value);
    // Only a promise can fail later. It may be one of any library.
    if (isThenable(result)) result.then(undefined, onFailure);
  } catch {
    onFailure();
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
