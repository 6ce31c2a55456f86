import { setTimeout } from 'node:timers/promises';

/** Waits for what a timer, a database or the network does. Rejects after five seconds, unless another time is given, in milliseconds. */
export async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 5_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`did not happen: ${holds.toString()}`);
    await setTimeout(10);
  }
}
