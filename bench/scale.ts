/**
 * Measures the latency of a refresh in a table of ten thousand, a million and ten million sessions on PostgreSQL: `npm run bench:scale`.
 */
import { statfsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchDatabase } from './database.js';
import { inDatabase, openDatabase } from './database.js';
import { refreshTokenOf } from './internals.js';
import { Refresher } from './refresher.js';
import { report } from './report.js';
import { fillTable, settle } from './sessions.js';
import { median, quantile } from './statistics.js';

const SIZES = (process.env.BENCH_SIZES ?? '10000,1000000,10000000').split(',').map(Number);
const SAMPLES = Number(process.env.BENCH_SAMPLES ?? 4_000);
const REPEATS = Number(process.env.BENCH_REPEATS ?? 10_000);
const GRACE_MS = 1;
/** The size of one session in bytes, with its row, its entries in indexes, and the write-ahead log. */
const BYTES_PER_SESSION = 1_000;

/** Measures all sizes in turn, one refresh each, so that a disturbance affects all of them. The first tenth warms up. */
async function latencies(refreshers: readonly Refresher[]): Promise<number[][]> {
  const samples: number[][] = refreshers.map(() => []);
  for (let turn = -SAMPLES / 10; turn < SAMPLES; turn++) {
    for (const [index, refresher] of refreshers.entries()) {
      const tookMs = await refresher.refreshAny();
      if (turn >= 0) samples[index]!.push(tookMs);
    }
  }
  return samples;
}

async function withTables<T>(sizes: readonly number[], run: (databases: BenchDatabase[]) => Promise<T>): Promise<T> {
  const databases: BenchDatabase[] = [];
  try {
    for (const count of sizes) {
      const database = await openDatabase('postgres');
      databases.push(database);
      await fillTable(database.dataSource, { from: 0, count });
    }
    for (const { dataSource } of databases) await settle(dataSource);
    return await run(databases);
  } finally {
    for (const database of databases) await database.drop();
  }
}

async function measure(databases: readonly BenchDatabase[]): Promise<number[][]> {
  const refreshers = await Promise.all(databases.map((database, index) => Refresher.open(database, { from: 0, count: SIZES[index]! })));
  try {
    return await latencies(refreshers);
  } finally {
    for (const { app } of refreshers) await app.close();
  }
}

/** Refreshes one session many times. @returns the number of rows that it has at the end. */
async function repeat(database: BenchDatabase): Promise<number> {
  await fillTable(database.dataSource, { from: 0, count: 1 });
  const { app, codec, refresh } = await Refresher.open(database, { from: 0, count: 1 }, { grace: `${GRACE_MS}ms`, limit: false });
  let token = refreshTokenOf(codec, 0);
  for (let rotations = 0; rotations < REPEATS;) {
    const { outcome, pair } = await refresh.rotate(token);
    // The outcome is `kept`, because the token was presented within twice the grace period.
    if (outcome === 'kept') await sleep(GRACE_MS);
    else rotations++;
    token = pair.refreshToken ?? token;
  }
  await app.close();
  const [{ count }] = await database.dataSource.query<[{ count: number }]>('SELECT count(*)::int AS count FROM token_session');
  return count;
}

const { bavail, bsize } = statfsSync('.');
const needed = SIZES.reduce((sum, size) => sum + size, 0) * BYTES_PER_SESSION;
if (bavail * bsize < needed) throw new Error(`${(needed / 1e9).toFixed(0)} GB of disk are needed; choose fewer by BENCH_SIZES`);

const { rowsLeft, version } = await inDatabase('postgres', async (database) => ({
  rowsLeft: await repeat(database),
  version: database.version,
}));
const samples = await withTables(SIZES, measure);
report('scale', {
  command: 'npm run bench:scale',
  versions: [version],
  note:
    `${SAMPLES} refreshes of sessions picked at random at each size; the sizes take turns, refresh by refresh. Only the ratios mean anything: ` +
    `each size against the first. Rows of one session after ${REPEATS} refreshes: ${rowsLeft}.`,
  head: ['sessions', 'median, ms', 'p99, ms', 'median ÷ first', 'p99 ÷ first'],
  rows: samples.map((of, index) => [
    SIZES[index]!.toLocaleString('en'),
    median(of).toFixed(2),
    quantile(of, 0.99).toFixed(2),
    (median(of) / median(samples[0]!)).toFixed(2),
    (quantile(of, 0.99) / quantile(samples[0]!, 0.99)).toFixed(2),
  ]),
});
