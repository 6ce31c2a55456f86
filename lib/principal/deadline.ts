/**
 * Waits for work for at most so many milliseconds. Work that is given up goes on, but its result is dropped and its rejection is handled.
 * The timer does not keep the process alive, and is cleared when the work is done.
 *
 * @param late called when the time has passed. Makes the error to reject with.
 */
export function withDeadline<T>(work: Promise<T>, milliseconds: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), milliseconds).unref();
    void work.then(resolve, reject).then(() => clearTimeout(timer));
  });
}
