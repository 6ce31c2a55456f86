import { Logger } from '@nestjs/common';
import type { AdapterName, FuzzedApp } from './application.js';
import { ADAPTERS, MODES, startFuzzedApp } from './application.js';
import type { Exchange, HttpResponse } from './connection.js';
import { exchange } from './connection.js';
import { HonestUser } from './honest-user.js';
import { KeptLog } from './kept-log.js';
import { linesWithTokens } from './leak-search.js';
import { handshake, malformed } from './malformed-requests.js';
import { MemoryWatch } from './memory-watch.js';
import { Random } from './random.js';
import { wellFormed } from './requests.js';
import { Stock } from './stock.js';

export interface FuzzSettings {
  readonly seed: number;
  /** Number of requests. */
  readonly runs: number;
  /** Called after each batch. */
  readonly progress?: (line: string) => void;
}

/** What a run has found. */
export interface FuzzReport {
  /** Whatever must not happen. */
  readonly problems: readonly string[];
  readonly requests: number;
  /** How many responses there were of each status. */
  readonly statuses: ReadonlyMap<number, number>;
  /** How many session events there were of each type. */
  readonly events: ReadonlyMap<string, number>;
  /** How often sessions of honest users were refreshed. */
  readonly refreshes: number;
  readonly summary: string;
}

const CONNECTIONS_AT_ONCE = 24;
const REQUESTS_PER_BATCH = 1_000;
const MOST_PROBLEMS = 25;
/** A server that says nothing for so long to a request that is complete has lost it. */
const PATIENCE_MS = 20_000;
/** An incomplete request has no response. */
const SHORT_PATIENCE_MS = 150;

/** What one application is fuzzed with. */
interface Target {
  readonly app: FuzzedApp;
  readonly stock: Stock;
  readonly honest: readonly HonestUser[];
}

interface Connection {
  readonly bytes: Buffer;
  readonly requests: number;
  readonly isComplete: boolean;
}

/** Sends random requests to applications of every adapter and mode, while honest users work with them. */
export class Fuzzer {
  private readonly problems: string[] = [];
  private readonly statuses = new Map<number, number>();
  private readonly memory = new MemoryWatch();
  private readonly log = new KeptLog();
  private readonly seen = new Set<string>();
  private targets: readonly Target[] = [];
  private connections = 0;
  private requests = 0;

  constructor(private readonly settings: FuzzSettings) {}

  async run(): Promise<FuzzReport> {
    const record = (reason: unknown): void => this.report(`not handled: ${String((reason as Error | undefined)?.stack ?? reason)}`);
    process.on('unhandledRejection', record).on('uncaughtException', record);
    Logger.overrideLogger(this.log);
    try {
      this.targets = await Promise.all(ADAPTERS.flatMap((adapter) => MODES.map((mode) => this.open(adapter, mode))));
      while (this.requests < this.settings.runs && this.problems.length < MOST_PROBLEMS) await this.batch();
    } finally {
      await Promise.all(this.targets.map(({ app }) => app.close()));
      process.off('unhandledRejection', record).off('uncaughtException', record);
    }
    return this.summary();
  }

  private async open(adapter: AdapterName, mode: FuzzedApp['mode']): Promise<Target> {
    const app = await startFuzzedApp(adapter, mode, this.log);
    const honest = await Promise.all(['alice', 'bob'].map((name) => HonestUser.signIn(app, name)));
    return { app, stock: new Stock(app), honest };
  }

  private async batch(): Promise<void> {
    await Promise.all(this.targets.map(({ stock }) => stock.refill()));
    const end = Math.min(this.requests + REQUESTS_PER_BATCH, this.settings.runs);
    const lane = async (): Promise<void> => {
      while (this.requests < end) await this.attack(this.connections++);
    };
    await Promise.all([...Array.from({ length: CONNECTIONS_AT_ONCE }, lane), this.workUntil(end)]);
    this.searchLogs();
    await this.memory.sample();
    this.settings.progress?.(`${this.requests} requests, ${this.problems.length} problems`);
  }

  /** Honest users work until the batch ends, and each at least once. */
  private async workUntil(end: number): Promise<void> {
    do {
      for (const { honest } of this.targets)
        for (const user of honest) {
          const problem = await user.work();
          if (problem !== null) this.report(problem);
        }
    } while (this.requests < end);
  }

  private async attack(number: number): Promise<void> {
    const random = new Random(this.settings.seed, number);
    const target = this.targets[number % this.targets.length]!;
    const { bytes, requests, isComplete } = connectionTo(target, random);
    this.requests += requests;
    const halfClose = !isComplete && random.chance(0.5);
    const found = await exchange(target.app.port, { bytes, halfClose, patienceMs: isComplete ? PATIENCE_MS : SHORT_PATIENCE_MS });
    const problem = this.judge(found, isComplete);
    if (problem !== null)
      this.report(`${target.app.name}, connection ${number}: ${problem}\n${JSON.stringify(bytes.toString('latin1').slice(0, 6_000))}`);
    for (const response of found.responses) target.stock.receive(response, random);
  }

  private judge({ responses, stalled }: Exchange, isComplete: boolean): string | null {
    for (const { status } of responses) this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    const failure = responses.find(({ status }) => status >= 500);
    if (failure) return `${failure.status} ${failure.body}`;
    return isComplete && (stalled || responses.length === 0) ? 'no response' : badHeaderIn(responses);
  }

  private searchLogs(): void {
    const honest = this.targets.flatMap((target) => target.honest.flatMap(({ tokens }) => Object.values(tokens) as string[]));
    const tokens = [...honest, ...this.targets.flatMap(({ stock }) => stock.all)];
    for (const line of linesWithTokens(this.log.take(), tokens)) this.report(`a token in the log: ${line}`);
  }

  private report(problem: string): void {
    const kind = problem.slice(0, 60).replace(/\d+/g, '#');
    if (!this.seen.has(kind) || this.problems.length < MOST_PROBLEMS) this.problems.push(problem);
    this.seen.add(kind);
  }

  private summary(): FuzzReport {
    const { problem, summary } = this.memory.verdict();
    if (problem !== null) this.report(problem);
    const refreshes = this.targets.flatMap(({ honest }) => honest).reduce((sum, user) => sum + user.refreshes, 0);
    return { problems: this.problems, requests: this.requests, statuses: this.statuses, events: this.log.events, refreshes, summary };
  }
}

/** One to five requests that come on one connection, or one that is broken. */
function connectionTo({ stock, honest }: Target, random: Random): Connection {
  const source = () => ({ genuine: stock.pick(random), honest: random.pick(honest).tokens });
  const kind = random.weighted([
    [80, 'well-formed'],
    [12, 'malformed'],
    [8, 'handshake'],
  ] as const);
  if (kind !== 'well-formed') {
    const bytes = kind === 'malformed' ? malformed(source(), random) : handshake(source(), random);
    return { bytes, requests: 1, isComplete: false };
  }
  const requests = 1 + random.int(5);
  const sent = Array.from({ length: requests }, (_, index) => wellFormed(source(), { random, isLast: index === requests - 1 }));
  return { bytes: Buffer.concat(sent), requests, isComplete: true };
}

/** The challenge must be in the characters that RFC 6750 §3 allows, whatever the request contained. */
function badHeaderIn(responses: readonly HttpResponse[]): string | null {
  const challenges = responses.map(({ headers }) => headers.get('www-authenticate') ?? '');
  const bad = challenges.find((challenge) => !/^[\x20-\x7e]*$/.test(challenge) || /example|fuzz-|alice|bob/.test(challenge));
  return bad === undefined ? null : `a challenge that shows what it must not: ${bad}`;
}
