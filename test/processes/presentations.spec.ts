import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { decoded } from '../support/forge.js';
import { describeOn, ENGINES } from '../support/databases.js';
import { partsOf } from '../support/refresh-token.js';
import { tally } from './responses.js';
import { Cluster } from './cluster.js';
import type { Presented } from './worker/messages.js';

const SECOND = 1_000;
const G = 30 * SECOND;

jest.setTimeout(60 * SECOND);

for (const engine of ENGINES) {
  const describeHere = await describeOn(engine);

  describeHere(`simultaneous presentations to processes over ${engine}, their clocks hours apart (P1, P6, P10)`, () => {
    /** Statements of a rotation. */
    const whole = engine === 'mariadb' ? 2 : 1;
    let cluster: Cluster;
    beforeAll(async () => void (cluster = await Cluster.start(engine)));
    afterEach(() => cluster.table.clear());
    afterAll(() => cluster.stop());

    const collide = (id: string, tokens: string[], processes: number): Promise<Presented[]> =>
      engine === 'sqlite' ? cluster.presentAtOnce(tokens, { processes }) : cluster.presentBehindLock(id, tokens, processes);

    it.each([
      [50, 1],
      [250, 1],
      [50, 2],
      [500, 2],
      [50, 4],
      [1_000, 4],
    ])('give one rotation and one successor to %i, to %i of the processes', async (count, processes) => {
      const { sessionId, refreshToken } = await cluster.signInOnce();
      const answers = await collide(sessionId, Array<string>(count).fill(refreshToken), processes);
      expect(tally(answers)).toEqual({ rotated: 1, coalesced: count - 1 });
      expect(new Set(answers.map((answer) => answer.refreshToken)).size).toBe(1);
      expect(new Set(answers.map(({ accessToken }) => accessToken)).size).toBe(count);
      expect(partsOf(answers[0]!.refreshToken!)).toMatchObject({ generation: 1, branch: 0 });
      expect(answers.find(({ outcome }) => outcome === 'rotated')?.statements).toBe(whole);
      expect(Math.max(...answers.map(({ statements }) => statements))).toBe(2);
      const rows = await cluster.table.all();
      expect(rows).toMatchObject([{ id: sessionId, generation: 1, windowCount: 1, revokedAt: null }]);
    });

    it('give each of ten generations in turn one rotation and one successor', async () => {
      let { refreshToken } = await cluster.signInOnce();
      for (let generation = 1; generation <= 10; generation += 1) {
        const answers = await cluster.presentAtOnce(Array<string>(60).fill(refreshToken));
        expect(tally(answers)).toEqual({ rotated: 1, coalesced: 59 });
        const successors = new Set(answers.map((answer) => answer.refreshToken!));
        expect(successors.size).toBe(1);
        refreshToken = [...successors][0]!;
        expect(partsOf(refreshToken).generation).toBe(generation);
        await cluster.table.pass(2 * G);
      }
      expect(await cluster.table.all()).toHaveLength(1);
    });

    it('ask the database once for all that meet in one instance', async () => {
      const { refreshToken } = await cluster.signInOnce();
      const answers = await cluster.presentAtOnce(Array<string>(1_000).fill(refreshToken), { lanes: 1 });
      expect(tally(answers)).toEqual({ rotated: 1, coalesced: 999 });
      expect(new Set(answers.map((answer) => answer.refreshToken)).size).toBe(1);
      expect(answers.reduce((sum, { statements }) => sum + statements, 0)).toBeLessThanOrEqual(2 * 4);
    });

    it('of a lost parent give one recovery and one token', async () => {
      const { sessionId, refreshToken } = await cluster.signInOnce();
      await cluster.presentAt(0, refreshToken);
      await cluster.table.pass(G);
      const answers = await cluster.presentAtOnce(Array<string>(50).fill(refreshToken));
      expect(tally(answers)).toEqual({ recovered: 1, coalesced: 49 });
      expect(new Set(answers.map((answer) => answer.refreshToken)).size).toBe(1);
      expect(await cluster.table.row(sessionId)).toMatchObject({ generation: 1, branch: 1 });
    });

    it('of the current token are kept by all, without a write', async () => {
      const { sessionId, refreshToken } = await cluster.signInOnce();
      const successor = (await cluster.presentAt(0, refreshToken)).refreshToken!;
      const before = await cluster.table.row(sessionId);
      const answers = await cluster.presentAtOnce(Array<string>(50).fill(successor));
      expect(tally(answers)).toEqual({ kept: 50 });
      expect(answers.every((answer) => answer.refreshToken === undefined)).toBe(true);
      expect(await cluster.table.row(sessionId)).toEqual(before);
    });

    it(`cost ${whole === 1 ? 'one statement' : 'two statements'} each when they come one by one, and leave one row`, async () => {
      let { refreshToken } = await cluster.signInOnce();
      for (let refresh = 0; refresh < 20; refresh += 1) {
        const answer = await cluster.presentAt(refresh, refreshToken);
        expect(answer).toMatchObject({ outcome: 'rotated', statements: whole });
        refreshToken = answer.refreshToken!;
        await cluster.table.pass(10 * 60 * SECOND);
      }
      expect(await cluster.table.all()).toMatchObject([{ generation: 20 }]);
    });

    it("date session and access token by the database's clock, whatever the process's own says", async () => {
      const { sessionId, refreshToken } = await cluster.signInOnce();
      const { createdAt } = await cluster.table.row(sessionId);
      let token = refreshToken;
      for (let node = 0; node < 4; node += 1) {
        const { refreshToken: successor, accessToken } = await cluster.presentAt(node, token);
        const { rotatedAt } = await cluster.table.row(sessionId);
        expect(rotatedAt - createdAt).toBeLessThan(60 * SECOND);
        expect(decoded(accessToken!, 1)['iat']).toBe(Math.floor(rotatedAt / SECOND));
        token = successor!;
        await cluster.table.pass(2 * G);
      }
    });
  });
}
