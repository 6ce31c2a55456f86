/** A thousand parallel requests with one expired pair over four processes: `npm run bench:burst`. */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { RefreshService } from 'nestjs-token';
import { ChildServer } from './child-server.js';
import type { BenchDatabase, Engine } from './database.js';
import { connectionTo, inDatabase } from './database.js';
import type { HttpAnswer } from './http-connection.js';
import { HttpConnection } from './http-connection.js';
import type { Holder } from './internals.js';
import { holderOf } from './internals.js';
import { report } from './report.js';
import { median, ratioByRound } from './statistics.js';
import { tokenApp } from './token-app.js';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 9);
const REQUESTS = Number(process.env.BENCH_REQUESTS ?? 1_000);
const PROCESSES = 4;

type Server = ChildServer<{ port: number }>;

interface Burst {
  answers: HttpAnswer[];
  /** Milliseconds from the first request to the last response. */
  tookMs: number;
}

/** The results of one engine, with one entry per round. */
interface Findings {
  expiredMs: number[];
  goodMs: number[];
  answers: number[];
  rotations: number[];
  successors: number[];
}

async function fire(connections: readonly HttpConnection[], { accessToken, refreshToken }: Holder): Promise<Burst> {
  const headers = { Authorization: `Bearer ${accessToken}`, 'X-Refresh-Token': refreshToken };
  const startedAt = performance.now();
  const answers = await Promise.all(connections.map((connection) => connection.send({ method: 'GET', path: '/me', headers })));
  return { answers, tookMs: performance.now() - startedAt };
}

async function rotationsOf(servers: readonly Server[]): Promise<number> {
  const states = await Promise.all(servers.map((server) => server.state()));
  return states.reduce((sum, { events }) => sum + (events['rotated'] ?? 0), 0);
}

async function rounds(servers: readonly Server[], holders: readonly { expired: Holder; good: Holder }[]): Promise<Findings> {
  const findings: Findings = { expiredMs: [], goodMs: [], answers: [], rotations: [], successors: [] };
  const connections = await Promise.all(
    Array.from({ length: REQUESTS }, (_, index) => HttpConnection.open(servers[index % PROCESSES]!.hello.port)),
  );
  for (const [round, { expired, good }] of holders.entries()) {
    const fresh = await fire(connections, good);
    const before = await rotationsOf(servers);
    const { answers, tookMs } = await fire(connections, expired);
    const rotations = (await rotationsOf(servers)) - before;
    if (round === 0) continue;
    findings.goodMs.push(fresh.tookMs);
    findings.expiredMs.push(tookMs);
    findings.answers.push(answers.filter(({ status }) => status === 200).length);
    findings.rotations.push(rotations);
    findings.successors.push(new Set(answers.map(({ header }) => header('X-Refresh-Token'))).size);
  }
  for (const connection of connections) connection.close();
  return findings;
}

/**
 * Makes pairs for every round and for one more that warms up: a pair with an expired access token, and one of another session with a good
 * access token.
 */
async function signIn({ engine, name }: BenchDatabase): Promise<{ expired: Holder; good: Holder }[]> {
  const module = tokenApp({ connection: connectionTo(engine, name), controllers: [] });
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  const pair = () => app.get(RefreshService).signIn('user');
  const holders: { expired: Holder; good: Holder }[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const { refreshToken = '' } = await pair();
    const { accessToken, refreshToken: unused = '' } = await pair();
    holders.push({ expired: await holderOf(app, refreshToken), good: { accessToken, refreshToken: unused } });
  }
  await app.close();
  return holders;
}

async function burstsOn(database: BenchDatabase): Promise<Findings> {
  const holders = await signIn(database);
  const servers: Server[] = [];
  try {
    for (let index = 0; index < PROCESSES; index++) {
      servers.push(await ChildServer.start('burst-server.js', [database.engine, database.name]));
    }
    return await rounds(servers, holders);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

/** Returns one number if all rounds agree, otherwise the range. */
function span(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? String(least) : `${least} to ${most}`;
}

const engines: Engine[] = ['postgres', 'mariadb'];
const rows: string[][] = [];
const versions: string[] = [];
for (const engine of engines) {
  await inDatabase(engine, async (database) => {
    const { expiredMs, goodMs, ...counts } = await burstsOn(database);
    versions.push(database.version);
    rows.push([
      database.version,
      span(counts.answers),
      span(counts.rotations),
      span(counts.successors),
      median(expiredMs).toFixed(0),
      median(goodMs).toFixed(0),
      ratioByRound(expiredMs, goodMs).toFixed(2),
    ]);
  });
}
report('burst', {
  command: 'npm run bench:burst',
  versions,
  note:
    `${REQUESTS} connections to ${PROCESSES} processes, all requests sent at once with the same expired pair; ${ROUNDS} rounds, each with a session ` +
    'of its own, and beside each the same number of requests with a good access token. Only the ratio and the counts mean anything.',
  head: [
    'database',
    'answers of 200',
    'rotations',
    'distinct successors',
    'until all are answered, ms',
    'with a good token, ms',
    'expired ÷ good',
  ],
  rows,
});
