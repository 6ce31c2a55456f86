/** Measures the throughput of a guarded route with known tokens, as shares of an open route: `npm run bench:guard`. */
import { ChildServer } from './child-server.js';
import { ClosedLoop } from './closed-loop.js';
import { report } from './report.js';
import { median, ratioByRound } from './statistics.js';

const KINDS = ['open', 'ours', 'recipe'] as const;
/** The number of fresh processes. With several, one that happens to be compiled badly does not decide the result. */
const PROCESSES = Number(process.env.BENCH_PROCESSES ?? 3);
const TURNS = Number(process.env.BENCH_TURNS ?? 50);
/** The length of a turn. It is short, so that other programs on this machine slow down all applications of a round alike. */
const TURN_MS = 100;
const WARM_UP_TURNS = 30;
const CONNECTIONS = 32;

type Kind = (typeof KINDS)[number];

type Mode = 'header' | 'cookie';

interface Hello {
  ports: Record<Kind, number>;
  /** The headers of each caller, complete lines. */
  callers: string[];
}

/** Returns the requests per second of each turn. The applications take turns, and all get the same requests. */
async function compare(adapter: string, mode: Mode): Promise<Record<Kind, number[]>> {
  const throughputs: Record<Kind, number[]> = { open: [], ours: [], recipe: [] };
  for (let count = 0; count < PROCESSES; count++) {
    const server = await ChildServer.start<Hello>('guard-server.js', [adapter, mode]);
    const { ports, callers } = server.hello;
    const requests = callers.map((headers) => `GET /me HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers}\r\n`);
    const loops = await Promise.all(KINDS.map((kind) => ClosedLoop.open(ports[kind], CONNECTIONS, requests)));
    for (let turn = -WARM_UP_TURNS; turn < TURNS; turn++) {
      for (const [index, kind] of KINDS.entries()) {
        const { answers, ms } = await (loops[index] as ClosedLoop).run(TURN_MS);
        if (turn >= 0) throughputs[kind].push((answers / ms) * 1_000);
      }
    }
    for (const loop of loops) loop.close();
    await server.stop();
  }
  return throughputs;
}

const rows: string[][] = [];
for (const [adapter, mode] of [
  ['express', 'header'],
  ['fastify', 'header'],
  ['express', 'cookie'],
  ['fastify', 'cookie'],
] as const) {
  const { open, ours, recipe } = await compare(adapter, mode);
  rows.push([
    mode === 'header' ? adapter : `${adapter}, tokens in cookies`,
    ...[open, ours, recipe].map((throughputs) => median(throughputs).toFixed(0)),
    ratioByRound(ours, open).toFixed(3),
    ratioByRound(ours, recipe).toFixed(1),
  ]);
}
report('guard', {
  command: 'npm run bench:guard',
  note:
    `Medians of ${PROCESSES * TURNS} turns of ${TURN_MS} ms, in ${PROCESSES} fresh processes that hold all three applications each; ` +
    `${CONNECTIONS} connections, the same requests of 100 callers for all. Only the ratios mean anything.`,
  head: ['adapter', 'open route, 1/s', 'JwtAuthGuard, 1/s', "AuthGuard('jwt'), 1/s", 'ours ÷ open', 'ours ÷ recipe'],
  rows,
});
