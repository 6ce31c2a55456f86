/** Throughput of a guarded route with known tokens, as shares of an open route: `npm run bench:guard`. */
import autocannon from 'autocannon';
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { report } from './report.js';
import { median } from './statistics.js';

const KINDS = ['open', 'ours', 'recipe'] as const;
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 9);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 2);

type Kind = (typeof KINDS)[number];

interface Server {
  process: ChildProcess;
  port: number;
  tokens: string[];
}

interface Sample {
  throughput: number;
  /** Processor time of the server per request, microseconds. */
  cpu: number;
}

async function start(kind: Kind, adapter: string): Promise<Server> {
  const child = fork(new URL('guard-server.js', import.meta.url), [kind, adapter]);
  const [{ port, tokens }] = (await once(child, 'message')) as [{ port: number; tokens: string[] }];
  return { process: child, port, tokens };
}

async function cpuOf({ process: child }: Server): Promise<number> {
  child.send('cpu');
  const [{ user, system }] = (await once(child, 'message')) as [NodeJS.CpuUsage];
  return user + system;
}

async function measure(server: Server): Promise<Sample> {
  const before = await cpuOf(server);
  const requests = server.tokens.map((token) => ({ method: 'GET', path: '/me', headers: { authorization: `Bearer ${token}` } }));
  const result = await autocannon({ url: `http://127.0.0.1:${server.port}`, connections: 32, duration: SECONDS, requests });
  if (result.non2xx + result.errors > 0) throw new Error(`${result.non2xx} answers were not 2xx, ${result.errors} requests failed`);
  return { throughput: result.requests.average, cpu: ((await cpuOf(server)) - before) / result.requests.total };
}

/** Rounds of all servers in turn, so that a noisy neighbour disturbs all of them alike; the first warms up. */
async function compare(adapter: string): Promise<Record<Kind, Sample[]>> {
  const servers = await Promise.all(KINDS.map((kind) => start(kind, adapter)));
  const samples: Record<Kind, Sample[]> = { open: [], ours: [], recipe: [] };
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [index, kind] of KINDS.entries()) {
      const sample = await measure(servers[index] as Server);
      if (round > 0) samples[kind].push(sample);
    }
  }
  for (const server of servers) server.process.disconnect();
  return samples;
}

const rows: string[][] = [];
for (const adapter of ['express', 'fastify']) {
  const { open, ours, recipe } = await compare(adapter);
  const ratio = (above: Sample[], below: Sample[]) =>
    median(above.map((sample, round) => sample.throughput / (below[round]?.throughput ?? NaN)));
  const cpu = (above: Sample[], below: Sample[]) => median(above.map((sample, round) => (below[round]?.cpu ?? NaN) / sample.cpu));
  const [openRate, oursRate, recipeRate] = [open, ours, recipe].map((samples) =>
    median(samples.map(({ throughput }) => throughput)).toFixed(0),
  );
  rows.push([
    adapter,
    openRate ?? '',
    oursRate ?? '',
    recipeRate ?? '',
    ratio(ours, open).toFixed(3),
    cpu(ours, open).toFixed(3),
    ratio(ours, recipe).toFixed(1),
  ]);
}
report('guard', {
  command: 'npm run bench:guard',
  note: `Medians of ${ROUNDS} rounds of ${SECONDS} s each, 32 connections, 100 tokens seen before; the servers take turns. Only the ratios mean anything.`,
  head: [
    'adapter',
    'open route, 1/s',
    'JwtAuthGuard, 1/s',
    "AuthGuard('jwt'), 1/s",
    'ours ÷ open',
    'ours ÷ open by CPU time',
    'ours ÷ recipe',
  ],
  rows,
});
