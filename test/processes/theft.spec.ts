import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { describeOn, ENGINES } from '../support/databases.js';
import { mutantsOf } from '../support/refresh-token.js';
import { AUTHENTICATED, Client, tally } from './responses.js';
import { Cluster } from './cluster.js';

const SECOND = 1_000;
const G = 30 * SECOND;

jest.setTimeout(60 * SECOND);

/** Presents in turn, the victim first. @returns changes of holder until the session was ended. */
async function changesUntilFound(holders: [Client, Client], pause: () => Promise<unknown>): Promise<number> {
  for (let changes = 0; changes < 20; changes += 1) {
    const outcome = await holders[changes % 2]!.refresh();
    if (outcome === 'refresh_reused') return changes;
    if (!AUTHENTICATED.includes(outcome)) throw new Error(`${outcome} after ${changes} changes`);
    await pause();
  }
  return Infinity;
}

for (const engine of ENGINES) {
  const describeHere = await describeOn(engine);

  describeHere(`two holders of one session on processes over ${engine}`, () => {
    let cluster: Cluster;
    beforeAll(async () => void (cluster = await Cluster.start(engine, { options: { refresh: { limit: false } } })));
    afterEach(() => cluster.table.clear());
    afterAll(() => cluster.stop());

    /** A session with a past: its first, its parent and its current token. */
    const grown = async (given: { subject?: string; realm?: string } = {}): Promise<{ id: string; tokens: string[] }> => {
      const { sessionId, refreshToken } = await cluster.signInOnce(given);
      const tokens = [refreshToken];
      for (let refresh = 0; refresh < 3; refresh += 1) {
        const { refreshToken: successor } = await cluster.presentAt(refresh, tokens[0]!, given.realm);
        tokens.unshift(successor!);
        await cluster.table.pass(2 * G + 1);
      }
      return { id: sessionId, tokens };
    };

    it.each([
      ['the current token', 0, 'more than 2·G', 2 * G + 1, 3],
      ['the parent', 1, 'more than 2·G', 2 * G + 1, 2],
      ['an older token', 2, 'more than 2·G', 2 * G + 1, 1],
      ['the current token', 0, 'between G and 2·G', 1.5 * G, 6],
      ['the parent', 1, 'between G and 2·G', 1.5 * G, 5],
    ])('are found when %s (%i back) was copied and turns lie %s (%i ms) apart, after at most %i changes (P4)', async (...given) => {
      const [, back, , gap, most] = given;
      const { id, tokens } = await grown();
      const holders: [Client, Client] = [new Client(cluster, tokens[0]!), new Client(cluster, tokens[back]!)];
      expect(await changesUntilFound(holders, () => cluster.table.pass(gap))).toBeLessThanOrEqual(most);
      expect(await cluster.table.row(id)).toMatchObject({ revokeReason: 'reuse' });
      expect([await holders[0].refresh(), await holders[1].refresh()]).toEqual(['session_revoked', 'session_revoked']);
    });

    it('are found after one refresh of the victim when the thief presents the parent all the time (P4b)', async () => {
      const { tokens } = await grown();
      const victim = new Client(cluster, tokens[0]!);
      const thefts: string[] = [];
      for (let refresh = 0; refresh < 3 && !thefts.includes('refresh_reused'); refresh += 1) {
        await victim.refresh();
        for (let step = 0; step < 30; step += 1) {
          thefts.push((await cluster.presentAt(step, tokens[1]!)).outcome);
          await cluster.table.pass(G / 2);
        }
        expect(thefts).toContain('refresh_reused');
      }
      expect(await victim.refresh()).toBe('session_revoked');
    });

    it('leave all other sessions alone: of the subject, of others, of other realms (P8, RR-08)', async () => {
      const stolen = await grown();
      const others = await Promise.all([cluster.signIn(4), cluster.signIn(4, { subject: 'bob' })]);
      const elsewhere = await cluster.signIn(4, { realm: 'elsewhere' });
      const copies = Array<string>(50).fill(stolen.tokens[2]!);
      const { refresh_reused: reused, session_revoked: revoked, ...rest } = tally(await cluster.presentAtOnce(copies));
      expect({ reused, revoked, rest }).toEqual({ reused: 1, revoked: 49, rest: {} });
      const tokens = others.flat().map(({ refreshToken }) => refreshToken);
      expect(tally(await cluster.presentAtOnce(tokens))).toEqual({ rotated: 8 });
      const otherTokens = elsewhere.map(({ refreshToken }) => refreshToken);
      expect(tally(await cluster.presentAtOnce(otherTokens, { realm: 'elsewhere' }))).toEqual({ rotated: 4 });
    });

    it('are never seen in 1,000 mutants of a good token: none costs a query, and the session lives (P7, DS-03)', async () => {
      const { id, tokens } = await grown();
      const before = await cluster.table.row(id);
      const mutants = tokens.slice(0, 2).flatMap(mutantsOf).slice(0, 1_000);
      const answers = await cluster.presentAtOnce(mutants);
      expect(new Set(answers.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'refresh_missing'))).toEqual(
        new Set(['refresh_invalid']),
      );
      expect(answers).toHaveLength(1_000);
      expect(answers.reduce((sum, { statements }) => sum + statements, 0)).toBe(0);
      expect(await cluster.table.row(id)).toEqual(before);
      expect(tally(await cluster.presentAtOnce(tokens.slice(0, 1)))).toEqual({ rotated: 1 });
    });
  });

  describeHere(`two holders of one session over ${engine}, with a grace of a quarter of a second`, () => {
    let cluster: Cluster;
    const options = { access: { lifetime: '1s' }, refresh: { grace: '250ms', limit: false } } as const;
    beforeAll(async () => void (cluster = await Cluster.start(engine, { options, processes: 2 })));
    afterAll(() => cluster.stop());

    it("are found after at most 3 changes more than 2·G apart by the database's own clock (P4)", async () => {
      const { refreshToken } = await cluster.signInOnce();
      const holders: [Client, Client] = [new Client(cluster, refreshToken), new Client(cluster, refreshToken)];
      expect(await changesUntilFound(holders, () => wait(550))).toBeLessThanOrEqual(3);
    });
  });
}
