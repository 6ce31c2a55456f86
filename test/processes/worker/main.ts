import type { WorkerSetup } from './messages.js';

/** Runs in a process of its own. Its clock is put wrong before anything that could read it is loaded. */
const setup = JSON.parse(process.argv[2] ?? '') as WorkerSetup;
const RightDate = Date;

class SkewedDate extends RightDate {
  static override now(): number {
    return RightDate.now() + setup.skewMs;
  }

  constructor(...given: unknown[]) {
    super(...((given.length === 0 ? [SkewedDate.now()] : given) as [number]));
  }
}

globalThis.Date = SkewedDate as DateConstructor;
const { run } = await import('./program.js');
await run(setup);
