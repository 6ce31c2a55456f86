/**
 * A `Date` whose present can be moved, in place before anything else is loaded. Timers and `performance.now()` go on as they are, as when
 * a wall clock is set.
 */
const RealDate = Date;
let skew = Number(process.env['CLOCK_SKEW_MS'] ?? 0);

globalThis.Date = class extends RealDate {
  constructor(...given: unknown[]) {
    super(...((given.length === 0 ? [RealDate.now() + skew] : given) as []));
  }

  static override now(): number {
    return RealDate.now() + skew;
  }
} as DateConstructor;

/** @param ms how far this process's clock is ahead of the machine's from now on. */
export function setSkew(ms: number): void {
  skew = ms;
}
