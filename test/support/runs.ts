/**
 * How many random cases a property is checked with: the full number with `TEST_RUNS=all`, as in CI, and a part of it on a developer's
 * machine. The assertions are the same.
 */
export function runs(full: number, quick = Math.ceil(full / 5)): number {
  return process.env['TEST_RUNS'] === 'all' ? full : quick;
}
