/**
 * Counts the timers of the library, in place before anything else is loaded. `process.getActiveResourcesInfo()` leaves out those that keep
 * no process alive, and the library has no others.
 */
const OWN = /\/lib\/((?:[\w-]+\/)*[\w.-]+)\.js/;
const timers = new Map<{ _destroyed?: boolean }, string>();

for (const name of ['setTimeout', 'setInterval'] as const) {
  const original = globalThis[name] as (...given: unknown[]) => object;
  const counted = (...given: unknown[]): object => {
    const timer = original(...given);
    const setBy = new Error().stack?.split('\n')[2] ?? '';
    const file = setBy.includes('node_modules') ? undefined : OWN.exec(setBy)?.[1];
    if (file !== undefined) timers.set(timer, file);
    return timer;
  };
  // What `util.promisify` looks for stays.
  globalThis[name] = Object.defineProperties(counted, Object.getOwnPropertyDescriptors(original)) as never;
}

/** Timers that have neither fired nor been cleared, by the file of the library that set them. */
export function activeTimers(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const [timer, file] of timers) {
    if (timer._destroyed) timers.delete(timer);
    else counts[file] = (counts[file] ?? 0) + 1;
  }
  return counts;
}
