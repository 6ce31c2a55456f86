import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { describeOn, ENGINES } from '../support/databases.js';
import { tally } from './responses.js';
import { Cluster, soon } from './cluster.js';
import type { Presented, SignedIn } from './worker/messages.js';
import { REALM } from './worker/messages.js';

const SECOND = 1_000;
const G = 30 * SECOND;
const SESSIONS = 1_000;
const AT_ONCE = 50;
/** Presentations that a process has under way at a time. */
const LANES = 5;
/** Nanoseconds by which the first presentation of a turn comes before the first sign-out, or after it. */
const HEAD_STARTS = [-20_000_000n, 0n, 10_000_000n, 25_000_000n] as const;

jest.setTimeout(60 * SECOND);

for (const engine of ENGINES) {
  const describeHere = await describeOn(engine);

  describeHere(`a logout that races a refresh on another process over ${engine} (P5)`, () => {
    let cluster: Cluster;
    beforeAll(async () => void (cluster = await Cluster.start(engine)));
    afterAll(() => cluster.stop());

    /** One process goes through the sessions forwards, the other backwards, with a head start of either of them: each is first somewhere. */
    const race = async (sessions: readonly SignedIn[], turn: number): Promise<Presented[]> => {
      const tokens = sessions.map(({ refreshToken }) => refreshToken);
      const at = soon();
      const [answers] = await Promise.all([
        cluster.node(turn).present({ tokens, realm: REALM, lanes: LANES, at }),
        cluster.node(turn + 1).ask({ do: 'sign out', tokens: tokens.toReversed(), realm: REALM, at: at + HEAD_STARTS[turn % 4]! }),
      ]);
      return answers.filter((answer) => answer !== undefined);
    };

    it('wins 1,000 times, whichever comes first, and whatever the refresh was about to be', async () => {
      const sessions = await cluster.signIn(SESSIONS);
      const lost = sessions.filter((_, index) => index % 2 === 0);
      await cluster.presentAtOnce(lost.map(({ refreshToken }) => refreshToken));
      await cluster.table.pass(G);
      const answers: Presented[] = [];
      for (let turn = 0; turn * AT_ONCE < SESSIONS; turn += 1) {
        answers.push(...(await race(sessions.slice(turn * AT_ONCE, (turn + 1) * AT_ONCE), turn)));
      }
      const { rotated = 0, recovered = 0, session_revoked: revoked = 0, ...others } = tally(answers);
      expect(others).toEqual({});
      expect(rotated + recovered + revoked).toBe(SESSIONS);
      expect([rotated > 0, recovered > 0, revoked > 0]).toEqual([true, true, true]);
      const rows = await cluster.table.all();
      expect(rows).toHaveLength(SESSIONS);
      expect(rows.filter(({ revokedAt, revokeReason }) => revokedAt === null || revokeReason !== 'logout')).toEqual([]);
      await cluster.table.pass(2 * G);
      const won = answers.flatMap(({ refreshToken }) => refreshToken ?? []);
      expect(tally(await cluster.presentAtOnce(won))).toEqual({ session_revoked: won.length });
    });
  });
}
