import { setTimeout as delay } from 'node:timers/promises';
import type { DataSource, Repository } from 'typeorm';
import { TokenSessionEntity } from 'nestjs-token/typeorm';
import { partsOf } from '../support/refresh-token.js';
import { isNewer } from '../support/token-store.js';
import type { Exchange, FaultClient, Target } from './support/fault-client.js';
import type { NodeProcess } from './support/node-process.js';

/** After the end of a fault everything works again within this. */
const RECOVERY_MS = 10_000;
/** A revocation is seen by every process within this. */
const REVOCATION_MS = 2_000;
/** The 99th percentile of requests once the fault is over, generous for a machine with other work. */
const LATENCY_MS = 1_000;
/** Requests that the percentile is taken of, at the least. */
const PROBES = 20;
/** Answers after which a client would ask its user to sign in. */
const TERMINAL = new Set([
  'refresh_missing',
  'refresh_invalid',
  'refresh_expired',
  'refresh_reused',
  'session_revoked',
  'session_not_found',
  'user_rejected',
  'token_revoked',
]);

/** What a 503 may be: the store is away, or a hook of the application takes too long. */
const PASSING = new Set(['store_unavailable', 'hook_timeout']);

/** Processes that are asked once the fault is over. */
export type Witness = Target & Partial<Pick<NodeProcess, 'status' | 'isRunning'>>;

/**
 * Judges a run with a fault in it, by what clients sent and received and by what the rows say:
 * I1 one live lineage per session; I2 no honest client is signed out, neither by what it is told nor by cookies that are deleted; I3 a revoked
 * session yields no new token; I4 every refresh answer is redeemable, and leads a client forward; I5 no 5xx but 503, save where a hook is broken;
 * I6 everything works again, and no connection is lost, within 10 s; I7 no generation goes back, save by a restore; I8 tokens that travel in
 * cookies are nowhere else.
 */
export class Oracle {
  readonly exchanges: Exchange[] = [];
  private readonly clients: FaultClient[] = [];
  /** Sessions that were ended on purpose, and when that was acknowledged. */
  private readonly ended = new Map<string, number>();
  private readonly generations = new Map<string, number>();
  private readonly found: string[] = [];
  private faultEndedAt: number | null = null;
  private hasRestored = false;
  private readonly rows: Repository<TokenSessionEntity>;

  /** @param dataSource a connection of the test's own, which no fault touches. */
  constructor(dataSource: DataSource) {
    this.rows = dataSource.getRepository(TokenSessionEntity);
  }

  admit(client: FaultClient): void {
    this.clients.push(client);
  }

  /** I2 to I5 and I8, answer by answer. */
  record(exchange: Exchange): void {
    this.exchanges.push(exchange);
    const { status, errorCode, isFarewell, retryAfter, sessionId, sentAt } = exchange;
    const carriesTokens = exchange.access !== undefined || exchange.refresh !== undefined;
    const endedAt = this.ended.get(sessionId);
    const isBrokenHook = status === 500 && errorCode === 'hook_failed' && !carriesTokens;
    if (status !== null && status >= 500 && status !== 503 && !isBrokenHook) this.found.push(`I5: ${status}`);
    if (status === 503 && (carriesTokens || !(isFarewell || (retryAfter !== undefined && PASSING.has(errorCode ?? ''))))) {
      this.found.push(`I5: a 503 with tokens, without Retry-After, or with the code ${errorCode ?? 'none'}`);
    }
    if (status === 401 && errorCode !== undefined && TERMINAL.has(errorCode) && endedAt === undefined) {
      this.found.push(`I2: ${exchange.subject} is told ${errorCode}`);
    }
    if (endedAt !== undefined && sentAt > endedAt && carriesTokens) this.found.push(`I3: ${exchange.subject} is given tokens`);
    this.recordStore(exchange);
  }

  /** What an answer does to the place where the client keeps its tokens. A browser stores what it is told to, so the server must be right. */
  private recordStore({ subject, status, errorCode, deleted, isSignOut, isExposed, presented = '', refresh }: Exchange): void {
    const isFinal = (status === 401 && TERMINAL.has(errorCode ?? '')) || (status === 204 && isSignOut);
    if (deleted.length > 0 && !isFinal) this.found.push(`I2: the cookies of ${subject} are deleted with ${status ?? 0} ${errorCode ?? ''}`);
    if (presented !== '' && refresh !== undefined && !isNewer(refresh, presented)) this.found.push(`I4: ${subject} is led back`);
    if (isExposed) this.found.push(`I8: a token of ${subject} is outside its cookie`);
  }

  /** The session is being ended on purpose; call it again when that has been acknowledged. */
  ends(sessionId: string, { acknowledged }: { acknowledged: boolean }): void {
    this.ended.set(sessionId, acknowledged ? performance.now() : Infinity);
  }

  /** A backup has been restored: generations may have gone back, once. */
  restored(): void {
    this.generations.clear();
    this.hasRestored = true;
  }

  faultEnds(): void {
    this.faultEndedAt = performance.now();
  }

  /** I7: looks at every row. Call it as often as the run allows. */
  async sample(): Promise<void> {
    for (const { id, generation } of await this.rows.find()) {
      if (generation < (this.generations.get(id) ?? 0)) this.found.push(`I7: generation ${generation} of ${id}`);
      this.generations.set(id, generation);
    }
  }

  /** Lets every client retry with its latest token, and gives all that is wrong. */
  async violations(witnesses: readonly Witness[]): Promise<string[]> {
    await this.sample();
    await this.everyoneRecovers(witnesses);
    await this.everyoneStaysOut(witnesses);
    await this.requestsAreQuick(witnesses);
    for (const witness of witnesses) await this.poolIsIdle(witness);
    await this.sample();
    await this.lineagesAreSingle();
    return [...new Set(this.found)];
  }

  private get living(): FaultClient[] {
    return this.clients.filter(({ sessionId }) => !this.ended.has(sessionId));
  }

  /** I2, I4, I6. */
  private async everyoneRecovers(witnesses: readonly Witness[]): Promise<void> {
    const deadline = (this.faultEndedAt ?? performance.now()) + RECOVERY_MS;
    let waiting = this.living;
    while (waiting.length > 0 && performance.now() < deadline) {
      const isIn = await inTurn(waiting, (client, index) => this.isLetIn(client, witnesses, index));
      waiting = waiting.filter((_, index) => !isIn[index]);
      if (waiting.length > 0) await delay(100);
    }
    for (const { subject } of waiting) this.found.push(`I2, I4, I6: ${subject} is not let in within 10 s after the fault`);
  }

  /** Refreshes at one process, and spends what it got at another at once: access tokens of these tests live for seconds. */
  private async isLetIn(client: FaultClient, witnesses: readonly Witness[], index: number): Promise<boolean> {
    const { status: refreshed } = await client.refresh(witnesses[index % witnesses.length]!);
    if (refreshed !== 200) return false;
    const { status, subject } = await client.visit(witnesses[(index + 1) % witnesses.length]!);
    if (status !== 200) this.found.push(`I4: the new access token of ${subject} gives ${status ?? 'no answer'}`);
    return true;
  }

  /** I3: what was ended stays so, on every process, for refresh and access tokens, also if somebody has kept what a browser has deleted. */
  private async everyoneStaysOut(witnesses: readonly Witness[]): Promise<void> {
    const outsiders = this.clients.filter(({ sessionId }) => this.ended.has(sessionId));
    const deadline = performance.now() + REVOCATION_MS;
    for (const client of outsiders) {
      for (const witness of witnesses) {
        const visit = () => client.hoarder().visit(witness);
        while ((await visit()).status !== 401 && performance.now() < deadline) await delay(50);
        const statuses = [(await visit()).status, (await client.hoarder().refresh(witness)).status];
        if (statuses.some((status) => status !== 401)) this.found.push(`I3: ${client.subject}, ended, gets ${statuses.join(', ')}`);
      }
    }
  }

  /** I6. */
  private async requestsAreQuick(witnesses: readonly Witness[]): Promise<void> {
    const { living } = this;
    if (living.length === 0) return;
    const probes = Array.from({ length: Math.max(PROBES, witnesses.length) }, (_, index) => living[index % living.length]!);
    const spans: number[] = [];
    for (const [index, client] of probes.entries()) {
      const { sentAt, doneAt, status } = await client.refresh(witnesses[index % witnesses.length]!);
      spans.push(doneAt - sentAt);
      if (status !== 200) this.found.push(`I6: a request after the fault gives ${status ?? 'no answer'}`);
    }
    const slowest = spans.sort((one, other) => one - other)[Math.floor(spans.length * 0.99) - 1] ?? 0;
    if (slowest > LATENCY_MS) this.found.push(`I6: requests after the fault take ${Math.round(slowest)} ms`);
  }

  /** I6: no connection is held, and nobody waits for one. */
  private async poolIsIdle(witness: Witness): Promise<void> {
    if (!witness.status || witness.isRunning === false) return;
    const deadline = performance.now() + RECOVERY_MS;
    for (;;) {
      const { pool } = await witness.status();
      if (pool.used === 0 && pool.waiting === 0) return;
      if (performance.now() > deadline) {
        this.found.push(`I6: the pool keeps ${pool.used} connections in use and ${pool.waiting} callers waiting`);
        return;
      }
      await delay(50);
    }
  }

  /** I1: one row per session, one token per position, no token ahead of its row, and a second successor only where the first was lost. */
  private async lineagesAreSingle(): Promise<void> {
    const rows = new Map((await this.rows.find()).map((row) => [row.id, row]));
    for (const sessionId of new Set(this.clients.map((client) => client.sessionId))) {
      const row = rows.get(sessionId);
      if (!row) this.found.push(`I2: session ${sessionId} has no row`);
      else
        this.lineageIsSingle(
          row,
          this.exchanges.filter((exchange) => exchange.sessionId === sessionId),
        );
    }
  }

  private lineageIsSingle(row: TokenSessionEntity, exchanges: readonly Exchange[]): void {
    const tokens = [...new Set(exchanges.flatMap(({ refresh }) => refresh ?? []))];
    const parts = tokens.map(partsOf);
    const positions = new Set(parts.map(({ kid, generation, branch }) => `${kid} ${generation} ${branch}`));
    if (positions.size < tokens.length) this.found.push(`I1: two tokens for one position of ${row.id}`);
    if (parts.some(({ generation }) => generation > row.generation)) this.found.push(`I1: a token of ${row.id} is ahead of its row`);
    if (this.hasRestored) return;
    for (const generation of new Set(parts.map((part) => part.generation))) {
      const successors = new Set(parts.filter((part) => part.generation === generation).map(({ branch }) => branch));
      const lost = exchanges.filter(
        ({ presented, refresh }) => presented !== undefined && refresh === undefined && partsOf(presented).generation === generation - 1,
      );
      if (successors.size > 1 + lost.length) this.found.push(`I1: ${successors.size} successors at generation ${generation} of ${row.id}`);
    }
  }
}

/** At most so many at once: a whole crowd is no measure of recovery. */
async function inTurn<T, R>(all: readonly T[], act: (one: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < all.length; start += 16) {
    results.push(...(await Promise.all(all.slice(start, start + 16).map((one, index) => act(one, start + index)))));
  }
  return results;
}
