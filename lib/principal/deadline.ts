/**
 * Waits for work for so many milliseconds at the most. Work that is given up goes on unheard: its result is dropped, and its rejection is
 * handled. The timer keeps no process alive, and none is left when the work is done.
 *
 * @param late makes the error to reject with when the time is over.
 */
export async function withDeadline<T>(work: Promise<T>, milliseconds: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), milliseconds).unref();
  });
  return Promise.race([work, timeout]).finally(() => clearTimeout(timer));
}
