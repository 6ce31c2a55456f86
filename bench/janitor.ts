/** Measures the deletion of a million expired sessions while other sessions refresh, on PostgreSQL: `npm run bench:janitor`. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchDatabase } from './database.js';
import { inDatabase } from './database.js';
import { Refresher } from './refresher.js';
import { report } from './report.js';
import { fillSessions, fillTable, settle } from './sessions.js';
import { median, quantile } from './statistics.js';

const EXPIRED = Number(process.env.BENCH_EXPIRED ?? 1_000_000);
const LIVE = Number(process.env.BENCH_LIVE ?? 200_000);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 15);
/** Refreshes per second. Well below the limit of the database, so that every delay is caused by the janitor. */
const RATE = Number(process.env.BENCH_RATE ?? 100);

/** Begins refreshes at a steady rate until `ended`, without waiting for the last one to end. @returns their latencies. */
async function load(refresher: Refresher, ended: () => boolean): Promise<number[]> {
  const underWay: Promise<number>[] = [];
  const startedAt = performance.now();
  for (let begun = 0; !ended(); begun++) {
    await sleep(Math.max(0, startedAt + (begun * 1_000) / RATE - performance.now()));
    underWay.push(refresher.refreshAny());
  }
  return Promise.all(underWay);
}

function loadFor(refresher: Refresher, seconds: number): Promise<number[]> {
  const endsAt = performance.now() + seconds * 1_000;
  return load(refresher, () => performance.now() >= endsAt);
}

interface Findings {
  deleted: number;
  tookMs: number;
  calm: number[];
  beside: number[];
}

/** Measures refreshes before, during and after the deletion, so that a slow change of the machine does not look like an effect of it. */
async function measure(refresher: Refresher): Promise<Findings> {
  await loadFor(refresher, SECONDS / 5);
  const before = await loadFor(refresher, SECONDS);
  const startedAt = performance.now();
  let deleted: number | undefined;
  let tookMs = NaN;
  const purge = refresher.refresh.purge().then((count) => {
    deleted = count;
    tookMs = performance.now() - startedAt;
  });
  const [beside] = await Promise.all([load(refresher, () => deleted !== undefined), purge]);
  const after = await loadFor(refresher, SECONDS);
  return { deleted: deleted ?? 0, tookMs, calm: [...before, ...after], beside };
}

async function run(database: BenchDatabase): Promise<Findings> {
  const { dataSource } = database;
  await fillTable(dataSource, { from: LIVE, count: EXPIRED, expiresInMs: -1_000 });
  await fillSessions(dataSource, { from: 0, count: LIVE });
  await settle(dataSource);
  const refresher = await Refresher.open(database, { from: 0, count: LIVE });
  try {
    return await measure(refresher);
  } finally {
    await refresher.app.close();
  }
}

await inDatabase('postgres', async (database) => {
  const { deleted, tookMs, calm, beside } = await run(database);
  if (deleted !== EXPIRED) throw new Error(`${deleted} of ${EXPIRED} were deleted`);
  const row = (title: string, of: number[], rate: string) => [
    title,
    rate,
    median(of).toFixed(2),
    quantile(of, 0.99).toFixed(2),
    (median(of) / median(calm)).toFixed(2),
    (quantile(of, 0.99) / quantile(calm, 0.99)).toFixed(2),
  ];
  report('janitor', {
    command: 'npm run bench:janitor',
    versions: [database.version],
    note:
      `${EXPIRED} expired sessions beside ${LIVE} live ones, of which ${RATE} are refreshed per second, in the process that deletes: ` +
      `${SECONDS} s before, all the while, and ${SECONDS} s after. Only the ratios mean anything.`,
    head: ['refreshes', 'deleted, rows/s', 'median, ms', 'p99, ms', 'median ÷ alone', 'p99 ÷ alone'],
    rows: [row('alone', calm, ''), row('beside the janitor', beside, ((deleted / tookMs) * 1_000).toFixed(0))],
  });
});
