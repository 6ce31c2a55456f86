/**
 * Waits for work for at most so many milliseconds. Work that is given up goes on, but its result is dropped and its rejection is handled.
 * The timer does not keep the process alive, and is cleared when the work is done.
 *
 * @param late makes the error to reject with when the time has passed.
 */
export async function withDeadline<T>(work: Promise<T>, milliseconds: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), milliseconds).unref();
  });
  return Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}
