/**
 * Compares the throughput of refreshes with the usual recipe and with the bare statement, on Fastify and PostgreSQL: `npm run
 * bench:refresh`.
 */
import { ChildServer } from './child-server.js';
import type { BenchDatabase } from './database.js';
import { inDatabase, POOL } from './database.js';
import type { HttpAnswer, HttpRequest } from './http-connection.js';
import { HttpConnection } from './http-connection.js';
import type { Holder } from './internals.js';
import { RecipeSession } from './recipe.js';
import { report } from './report.js';
import { fillSessions, settle } from './sessions.js';
import { median, ratioByRound } from './statistics.js';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 9);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 3);
const SESSIONS = Number(process.env.BENCH_SESSIONS ?? 6_000);
const CONNECTIONS = 32;

/** A way to refresh, and the server that implements it. */
interface Contender {
  title: string;
  kind: 'ours' | 'ours-plain' | 'bare-prepared' | 'bare-nest' | 'bare' | 'sha256' | 'bcrypt';
  sessions: number;
  connections: number;
  request: (holder: Holder) => HttpRequest;
  successor: (answer: HttpAnswer) => string | undefined;
}

const OVER_POST: Pick<Contender, 'request' | 'successor'> = {
  request: ({ refreshToken }) => ({ method: 'POST', path: '/auth/refresh', body: { refresh_token: refreshToken } }),
  successor: ({ body }) => (JSON.parse(body) as { refresh_token?: string }).refresh_token,
};
const INSIDE_REQUEST: Pick<Contender, 'request' | 'successor'> = {
  request: ({ refreshToken, accessToken }) => ({
    method: 'GET',
    path: '/me',
    headers: { Authorization: `Bearer ${accessToken}`, 'X-Refresh-Token': refreshToken },
  }),
  successor: ({ header }) => header('X-Refresh-Token'),
};
const MANY = { sessions: SESSIONS, connections: CONNECTIONS };

const CONTENDERS: readonly Contender[] = [
  { title: 'ours, POST /auth/refresh', kind: 'ours', ...MANY, ...OVER_POST },
  { title: 'ours, GET /me with an expired access token', kind: 'ours', ...MANY, ...INSIDE_REQUEST },
  { title: 'ours, POST /auth/refresh, preparedStatements: false', kind: 'ours-plain', ...MANY, ...OVER_POST },
  { title: 'bare Fastify route, bare driver, prepared statement', kind: 'bare-prepared', ...MANY, ...OVER_POST },
  { title: 'the same in a Nest route, without this package', kind: 'bare-nest', ...MANY, ...OVER_POST },
  { title: 'bare Fastify route, bare driver', kind: 'bare', ...MANY, ...OVER_POST },
  { title: 'recipe, sha-256', kind: 'sha256', ...MANY, ...OVER_POST },
  // Each hash occupies the only thread for a tenth of a second. With few sessions, few requests are under way at the end of a turn.
  { title: 'recipe, bcrypt (bcryptjs, cost 10)', kind: 'bcrypt', sessions: 48, connections: 4, ...OVER_POST },
];

interface Hello {
  port: number;
  holders: Holder[];
}

interface Sample {
  /** Refreshes per second. */
  throughput: number;
  /** Microseconds of processor time of the server per refresh. */
  cpu: number;
}

/** Makes all connections refresh without a pause. Each of them uses the token that has waited longest. */
async function measure({ connections, request, successor }: Contender, server: ChildServer<Hello>): Promise<Sample> {
  const { port, holders: queue } = server.hello;
  const open = await Promise.all(Array.from({ length: connections }, () => HttpConnection.open(port)));
  const before = await server.state();
  const startedAt = performance.now();
  let refreshes = 0;
  const refreshInTurn = async (connection: HttpConnection) => {
    while (performance.now() - startedAt < SECONDS * 1_000) {
      const holder = queue.shift()!;
      const answer = await connection.send(request(holder));
      const refreshToken = successor(answer);
      if (answer.status !== 200 || refreshToken === undefined || refreshToken === holder.refreshToken)
        throw new Error(`not refreshed: ${answer.status} ${answer.body}`);
      queue.push({ ...holder, refreshToken });
      refreshes++;
    }
  };
  await Promise.all(open.map(refreshInTurn));
  const seconds = (performance.now() - startedAt) / 1_000;
  const after = await server.state();
  for (const connection of open) connection.close();
  requireRotations(before.events, after.events, refreshes);
  const cpu = after.cpu.user + after.cpu.system - before.cpu.user - before.cpu.system;
  return { throughput: refreshes / seconds, cpu: cpu / refreshes };
}

/** Checks that our servers have written once per request. Otherwise the comparison would mean nothing. */
function requireRotations(before: Record<string, number>, after: Record<string, number>, refreshes: number): void {
  const outcomes = Object.keys(after).filter((type) => (after[type] ?? 0) > (before[type] ?? 0));
  if (outcomes.length === 0) return;
  const rotated = (after['rotated'] ?? 0) - (before['rotated'] ?? 0);
  if (outcomes.length > 1 || rotated !== refreshes) throw new Error(`${rotated} of ${refreshes} rotated; outcomes: ${outcomes.join(', ')}`);
}

/** Runs rounds in which all take turns, so that other programs on this machine disturb all of them alike. The first round warms up. */
async function compare(servers: readonly ChildServer<Hello>[]): Promise<Sample[][]> {
  const samples: Sample[][] = CONTENDERS.map(() => []);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, contender] of CONTENDERS.entries()) {
      const sample = await measure(contender, servers[index]!);
      if (round > 0) samples[index]!.push(sample);
    }
  }
  return samples;
}

async function run({ dataSource, name }: BenchDatabase): Promise<Sample[][]> {
  await fillSessions(dataSource, { from: 0, count: CONTENDERS.length * SESSIONS });
  await settle(dataSource);
  const servers: ChildServer<Hello>[] = [];
  try {
    for (const [index, { kind, sessions }] of CONTENDERS.entries()) {
      servers.push(await ChildServer.start('refresh-server.js', [kind, name, String(index * SESSIONS), String(sessions)]));
    }
    return await compare(servers);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

await inDatabase(
  'postgres',
  async (database) => {
    const samples = await run(database);
    const rates = samples.map((of) => of.map(({ throughput }) => throughput));
    const costs = samples.map((of) => of.map(({ cpu }) => cpu));
    const rows = CONTENDERS.map(({ title }, index) => [
      title,
      median(rates[index]!).toFixed(0),
      median(costs[index]!).toFixed(0),
      ratioByRound(rates[0]!, rates[index]!).toFixed(2),
      ratioByRound(costs[index]!, costs[0]!).toFixed(2),
    ]);
    report('refresh', {
      command: 'npm run bench:refresh',
      versions: [database.version],
      note:
        `Medians of ${ROUNDS} rounds of ${SECONDS} s each, ${CONNECTIONS} connections (bcrypt: 4), ${POOL} database connections each; ` +
        'the servers take turns, and every request rotates. Only the ratios mean anything: the first row against each.',
      head: ['refresh', '1/s', 'server CPU, µs', 'ours ÷ this', 'ours ÷ this by CPU time'],
      rows,
    });
  },
  [RecipeSession],
);
