import { expect } from '@jest/globals';
import type { Duration, TokenPair, TokenSession } from 'nestjs-token';
import { openNodes, type TestNode } from '../support/nodes.js';
import { bytesOf, partsOf, tokenOf } from '../support/refresh-token.js';
import type { TestStore } from '../support/stores.js';
import * as model from './model.js';

/** A token of the session with this number that was handed out so many tokens before its newest one; both wrap around. */
export interface Pick {
  readonly session: number;
  readonly back: number;
}

export type NodeNumber = 0 | 1;

/** A step of a history. */
export type Step =
  | { readonly step: 'sign in'; readonly subject: string; readonly node: NodeNumber }
  | { readonly step: 'present'; readonly pick: Pick; readonly node: NodeNumber }
  /** One of two clients presents what it has; it keeps that when the answer is lost. */
  | { readonly step: 'client'; readonly client: 0 | 1; readonly lost: boolean; readonly node: NodeNumber }
  /** A client gets hold of any token. */
  | { readonly step: 'obtain'; readonly client: 0 | 1; readonly pick: Pick }
  | { readonly step: 'burst'; readonly calls: readonly { readonly pick: Pick; readonly node: NodeNumber }[]; readonly copies: number }
  | { readonly step: 'wait'; readonly ms: number }
  | { readonly step: 'sign out'; readonly pick: Pick; readonly node: NodeNumber }
  | { readonly step: 'revoke'; readonly session: number; readonly node: NodeNumber }
  | { readonly step: 'revoke all'; readonly subject: string; readonly except: number | null; readonly node: NodeNumber }
  | { readonly step: 'mutant'; readonly pick: Pick; readonly byte: number; readonly mask: number; readonly node: NodeNumber }
  | { readonly step: 'back up' }
  | { readonly step: 'restore'; readonly backup: number }
  | { readonly step: 'purge'; readonly node: NodeNumber };

interface Issued {
  readonly text: string;
  readonly token: model.ModelToken;
}

interface Call {
  readonly issued: Issued;
  readonly node: NodeNumber;
}

/** What a call really gave: in the model's terms, with the token's text. */
interface Given {
  readonly answer: model.ModelAnswer;
  readonly pair?: TokenPair;
}

/** Options of the nodes, as the model has them. */
function optionsOf(rules: model.ModelRules): Parameters<typeof openNodes>[1] {
  const { grace, idle, absolute, strict, recoverLost, limit } = rules;
  const span = (milliseconds: number) => `${milliseconds}ms` as Duration;
  return {
    access: { lifetime: '2m' },
    refresh: {
      grace: span(grace),
      idleLifetime: span(idle),
      absoluteLifetime: span(absolute),
      reuse: strict ? 'strict' : 'tolerant',
      recoverLost,
      limit: limit ? { max: limit.max, per: span(limit.per) } : false,
    },
  };
}

/** The library on two nodes over one store, and the model beside it: every step is made in both, and both must come to the same. */
export class World {
  /** Every outcome and error code that occurred. */
  readonly seen = new Set<string>();
  private nodes: [TestNode, TestNode];
  private rows: model.ModelRows = new Map();
  /** Every token ever handed out, per session, in the order of handing out. */
  private readonly issued = new Map<string, Issued[]>();
  private readonly clients: [Issued | null, Issued | null] = [null, null];
  private readonly backups: { readonly rows: model.ModelRows; restore(): Promise<void> }[] = [];

  constructor(
    private readonly store: TestStore,
    private readonly rules: model.ModelRules,
  ) {
    this.nodes = openNodes(store.repository, optionsOf(rules));
  }

  close(): void {
    for (const node of this.nodes) node.close();
  }

  async make(step: Step): Promise<void> {
    switch (step.step) {
      case 'sign in':
        await this.signIn(step.subject, step.node);
        break;
      case 'present':
        await this.presentPicked(step.pick, step.node);
        break;
      case 'client':
        await this.presentHeld(step.client, step.lost, step.node);
        break;
      case 'obtain':
        this.clients[step.client] = this.picked(step.pick) ?? null;
        break;
      case 'burst':
        await this.burst(step.calls, step.copies);
        break;
      case 'wait':
        this.store.clock.advance(step.ms);
        break;
      case 'mutant':
        await this.presentMutant(step);
        break;
      case 'back up':
        this.backups.push({ rows: this.rows, restore: await this.store.backup() });
        break;
      case 'restore':
        await this.restore(step.backup);
        break;
      default:
        await this.end(step);
    }
    await this.compareRows();
  }

  private get now(): number {
    return this.store.clock.now();
  }

  private sessionId(number: number): string | undefined {
    const ids = [...this.issued.keys()];
    return ids[number % ids.length];
  }

  private picked({ session, back }: Pick): Issued | undefined {
    const tokens = this.issued.get(this.sessionId(session) ?? '');
    return tokens?.[tokens.length - 1 - (back % tokens.length)];
  }

  private async signIn(subject: string, node: NodeNumber): Promise<void> {
    const pair = await this.nodes[node].refresh.signIn(subject);
    expect(this.issued.has(pair.sessionId)).toBe(false);
    this.issued.set(pair.sessionId, []);
    this.rows = new Map(this.rows).set(pair.sessionId, model.signedIn(subject, this.now, this.rules));
    this.comparePair(pair, { session: pair.sessionId, x: 0, y: 0 });
    this.clients[0] ??= this.picked({ session: this.issued.size - 1, back: 0 }) ?? null;
  }

  private async presentPicked(pick: Pick, node: NodeNumber): Promise<void> {
    const issued = this.picked(pick);
    if (issued) await this.present({ issued, node });
  }

  private async presentHeld(client: 0 | 1, lost: boolean, node: NodeNumber): Promise<void> {
    const held = this.clients[client];
    if (!held) return;
    const { pair } = await this.present({ issued: held, node });
    const text = pair?.refreshToken;
    if (!lost && text !== undefined)
      this.clients[client] = this.issued.get(held.token.session)?.find((issued) => issued.text === text) ?? null;
  }

  private async present(call: Call): Promise<Given> {
    const { answer, rows } = model.presented(this.rows, call.issued.token, this.now, this.rules);
    const given = await this.call(call);
    expect(given.answer).toEqual(answer);
    this.rows = rows;
    this.comparePresented(call, given);
    return given;
  }

  /** Several calls at once: what comes out is what one of their orders gives. Equal calls on one node share one presentation. */
  private async burst(calls: readonly { pick: Pick; node: NodeNumber }[], copies: number): Promise<void> {
    const made = calls.flatMap(({ pick, node }): Call[] => {
      const issued = this.picked(pick);
      return issued ? Array.from({ length: this.rules.strict ? 1 : copies }, () => ({ issued, node })) : [];
    });
    const given = new Map<Call, Given>();
    await Promise.all(made.map(async (call) => given.set(call, await this.call(call))));
    const leaderOf = (call: Call): Call => (this.rules.strict ? call : made.find((other) => isShared(other, call))!);
    for (const call of made) if (leaderOf(call) !== call) this.compareFollower(given.get(leaderOf(call))!, given.get(call)!);
    const leaders = made.filter((call) => leaderOf(call) === call);
    this.rows = await this.explained(leaders, given);
    for (const [call, answer] of given) this.comparePresented(call, answer);
  }

  /** The rows after the order of the calls that explains what they gave and what is stored. */
  private async explained(calls: readonly Call[], given: ReadonlyMap<Call, Given>): Promise<model.ModelRows> {
    const stored = JSON.stringify(await this.stored());
    const attempts: unknown[] = [];
    for (const order of model.orders(calls)) {
      let rows = this.rows;
      const answers = order.map((call) => {
        const result = model.presented(rows, call.issued.token, this.now, this.rules);
        rows = result.rows;
        return result.answer;
      });
      const explains = order.every((call, index) => JSON.stringify(given.get(call)?.answer) === JSON.stringify(answers[index]));
      if (explains && JSON.stringify(this.expectedRows(rows)) === stored) return rows;
      attempts.push({ tokens: order.map(({ issued }) => issued.token), answers, rows: this.expectedRows(rows) });
    }
    const actual = calls.map((call) => ({ token: call.issued.token, node: call.node, answer: given.get(call)?.answer }));
    throw new Error(
      `no order of the calls explains ${JSON.stringify({ before: this.expectedRows(this.rows), actual, stored, attempts }, null, 1)}`,
    );
  }

  private async presentMutant({ pick, byte, mask, node }: Extract<Step, { step: 'mutant' }>): Promise<void> {
    const issued = this.picked(pick);
    if (!issued) return;
    const bytes = bytesOf(issued.text);
    bytes[byte % bytes.length]! ^= mask;
    expect((await this.call({ issued: { ...issued, text: tokenOf(bytes) }, node })).answer).toEqual({ refused: 'refresh_invalid' });
  }

  private async restore(number: number): Promise<void> {
    const backup = this.backups[number % this.backups.length];
    if (!backup) return;
    await backup.restore();
    this.rows = backup.rows;
    this.restartNodes();
  }

  /**
   * Lists of revoked sessions live by the clock of the process, which does not go with the store's: a restore is followed by a restart
   * (docs/operations.md), and what is purged has long been forgotten.
   */
  private restartNodes(): void {
    this.close();
    this.nodes = openNodes(this.store.repository, optionsOf(this.rules));
  }

  private async end(step: Extract<Step, { step: 'sign out' | 'revoke' | 'revoke all' | 'purge' }>): Promise<void> {
    const { refresh } = this.nodes[step.node];
    if (step.step === 'sign out') {
      const issued = this.picked(step.pick);
      if (!issued) return;
      await refresh.signOut(issued.text);
      this.forgetUnknown(issued.token.session);
      this.rows = model.revoked(this.rows, this.now, 'logout', (_, id) => id === issued.token.session);
    } else if (step.step === 'revoke') {
      const session = this.sessionId(step.session);
      if (session === undefined) return;
      await refresh.revoke(session);
      this.forgetUnknown(session);
      this.rows = model.revoked(this.rows, this.now, 'admin', (_, id) => id === session);
    } else if (step.step === 'revoke all') {
      const except = step.except === null ? undefined : this.sessionId(step.except);
      await refresh.revokeAll(step.subject, { ...(except !== undefined && { except }), reason: 'password' });
      this.rows = model.revoked(this.rows, this.now, 'password', ({ subject }, id) => subject === step.subject && id !== except);
    } else {
      const left = model.purged(this.rows, this.now);
      expect(await refresh.purge()).toBe(this.rows.size - left.size);
      this.restartNodes();
      this.rows = left;
    }
  }

  /** Its row is gone: a node takes it for revoked from now on, the model for not found. Both are final, and mean the same to a client. */
  private forgetUnknown(session: string): void {
    if (!this.rows.has(session)) this.restartNodes();
  }

  private async call(call: Call): Promise<Given> {
    const given = await this.tried(call);
    this.seen.add('outcome' in given.answer ? given.answer.outcome : given.answer.refused);
    return given;
  }

  private async tried({ issued, node }: Call): Promise<Given> {
    try {
      const { pair, outcome, principal } = await this.nodes[node].refresh.rotate(issued.text);
      expect(principal.sid).toBe(pair.sessionId);
      const parts = pair.refreshToken === undefined ? null : partsOf(pair.refreshToken);
      return { answer: { outcome, handed: parts && [parts.generation, parts.branch] }, pair };
    } catch (error) {
      const { errorCode: code, retryAfter } = error as { errorCode?: unknown; retryAfter?: number | null };
      if (typeof code !== 'string') throw error;
      return { answer: { refused: code, ...(typeof retryAfter === 'number' && { retryAfter }) } };
    }
  }

  private comparePresented({ issued }: Call, { answer, pair }: Given): void {
    if (!pair || !('outcome' in answer)) return;
    const { session } = issued.token;
    const [x, y] = answer.handed ?? [];
    this.comparePair(pair, x === undefined || y === undefined ? { session } : { session, x, y });
    if (pair.refreshToken !== undefined) expect(partsOf(pair.refreshToken).secret).toBe(partsOf(issued.text).secret);
  }

  /** Who joins a presentation under way gets what its leader gets; where that is a new token, it is coalesced. */
  private compareFollower(leader: Given, follower: Given): void {
    const { answer } = leader;
    const expected = 'outcome' in answer && answer.outcome !== 'kept' ? { ...answer, outcome: 'coalesced' } : answer;
    expect(follower.answer).toEqual(expected);
    expect(follower.pair?.refreshToken).toBe(leader.pair?.refreshToken);
  }

  /** One position, one token (per key); access tokens and lifetimes are dated by the store. */
  private comparePair(pair: TokenPair, { session, x, y }: { session: string; x?: number; y?: number }): void {
    const row = this.rows.get(session);
    const claims = JSON.parse(Buffer.from(pair.accessToken.split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
    expect(claims).toMatchObject({ sub: row?.subject, sid: session, iat: Math.floor(this.now / 1_000) });
    expect(pair.sessionId).toBe(session);
    if (x === undefined || y === undefined) return;
    const text = pair.refreshToken ?? '';
    const tokens = this.issued.get(session) ?? [];
    const known = tokens.find(({ token }) => token.x === x && token.y === y);
    if (known) expect(text).toBe(known.text);
    else this.issued.set(session, [...tokens, { text, token: { session, x, y } }]);
  }

  private async compareRows(): Promise<void> {
    expect(await this.stored()).toEqual(this.expectedRows(this.rows));
  }

  /** The rows of every session that there ever was, as the store has them. */
  private async stored(): Promise<Record<string, model.ModelRow | null>> {
    const found = await Promise.all(
      [...this.issued.keys()].map(
        async (id) => [id, rowOf((await this.store.repository.find({ realm: 'default', id }))?.session)] as const,
      ),
    );
    return Object.fromEntries(found);
  }

  private expectedRows(rows: model.ModelRows): Record<string, model.ModelRow | null> {
    return Object.fromEntries([...this.issued.keys()].map((id) => [id, rows.get(id) ?? null]));
  }
}

/** Whether two calls of one burst are one presentation. */
function isShared(one: Call, other: Call): boolean {
  return one.node === other.node && one.issued.text === other.issued.text;
}

/** What of a row the protocol speaks of, in the model's order. */
function rowOf(session: TokenSession | undefined): model.ModelRow | null {
  if (!session) return null;
  const { subject, generation, branch, parentBranch, rotatedAt, createdAt, lastUsedAt, idleExpiresAt, absoluteExpiresAt } = session;
  const { revokedAt, revokeReason, windowCount, windowStartedAt } = session;
  const position = { subject, generation, branch, parentBranch, rotatedAt };
  return { ...position, createdAt, lastUsedAt, idleExpiresAt, absoluteExpiresAt, revokedAt, revokeReason, windowCount, windowStartedAt };
}
