import { randomInt } from 'node:crypto';
import { Fuzzer } from './fuzzer.js';

/** A whole number from the environment. */
function numberFrom(name: string, otherwise: number): number {
  const value = Number(process.env[name] ?? otherwise);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${name} is not a whole number`);
  return value;
}

const seed = numberFrom('FUZZ_SEED', randomInt(2 ** 31));
const runs = numberFrom('FUZZ_RUNS', 100_000);
console.log(`FUZZ_SEED=${seed} FUZZ_RUNS=${runs}`);
const startedAt = performance.now();
const report = await new Fuzzer({ seed, runs, progress: (line) => process.stderr.isTTY && process.stderr.write(`\r${line}`) }).run();
const listed = (counts: ReadonlyMap<number | string, number>): string =>
  [...counts]
    .map(([what, count]) => `${what}: ${count}`)
    .sort()
    .join(', ');
console.log(`${report.requests} requests in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s; ${listed(report.statuses)}`);
console.log(`events: ${listed(report.events)}`);
console.log(`honest users were refreshed ${report.refreshes} times; ${report.summary}`);
for (const problem of report.problems) console.error(`\n${problem}`);
console.log(report.problems.length === 0 ? 'no problem found' : `${report.problems.length} problems; FUZZ_SEED=${seed} repeats them`);
process.exitCode = report.problems.length === 0 ? 0 : 1;
