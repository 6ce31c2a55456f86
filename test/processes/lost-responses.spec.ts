import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { setTimeout as wait } from 'node:timers/promises';
import { describeOn } from '../support/databases.js';
import type { Keeps } from './responses.js';
import { AUTHENTICATED, Client, tally } from './responses.js';
import { Cluster, soon } from './cluster.js';
import type { DeathPoint } from './worker/messages.js';
import { REALM } from './worker/messages.js';

const SECOND = 1_000;
const DAY = 86_400 * SECOND;
const G = 30 * SECOND;

jest.setTimeout(60 * SECOND);

for (const engine of ['postgres', 'mariadb'] as const) {
  const describeHere = await describeOn(engine);

  describeHere(`lost answers of processes over ${engine}`, () => {
    let cluster: Cluster;
    beforeAll(async () => void (cluster = await Cluster.start(engine, { options: { refresh: { limit: false } } })));
    afterEach(() => cluster.table.clear());
    afterAll(() => cluster.stop());

    const clients = async (count: number, keeps?: Keeps): Promise<Client[]> =>
      (await cluster.signIn(count)).map(({ refreshToken }) => new Client(cluster, refreshToken, keeps));

    it('sign nobody out, however often and after whatever delay the client tries again (P2)', async () => {
      const [client] = (await clients(1)) as [Client];
      for (const delay of [SECOND, G - SECOND, G, 2 * G, 3 * DAY]) {
        for (const lost of [true, true, false]) {
          expect(AUTHENTICATED).toContain(await client.refresh({ lost }));
          await cluster.table.pass(delay);
        }
      }
    });

    it('sign nobody out after 300 of them in a row (P2)', async () => {
      const [client] = (await clients(1)) as [Client];
      for (let lost = 0; lost < 300; lost += 1) {
        expect(AUTHENTICATED).toContain(await client.refresh({ lost: true }));
        await cluster.table.pass(G);
      }
      expect(await client.refresh()).toBe('recovered');
      expect(await cluster.table.all()).toMatchObject([{ generation: 1, branch: 255 }]);
      await cluster.table.pass(2 * G);
      expect(await client.refresh()).toBe('rotated');
    });

    it.each(['max', 'last'] as const)(
      'in any order sign nobody out who keeps one store of tokens, with the %s of them (P3)',
      async (keeps) => {
        const everybody = await clients(20, keeps);
        const random = generator(20_260_301);
        for (let round = 0; round < 25; round += 1) {
          const sent = everybody.flatMap((client) => Array.from({ length: 1 + random(3) }, () => ({ client, token: client.token })));
          const answers = await cluster.presentAtOnce(sent.map(({ token }) => token));
          expect(Object.keys(tally(answers)).filter((outcome) => !AUTHENTICATED.includes(outcome))).toEqual([]);
          const byToken = new Map(sent.map(({ token }) => [token.slice(0, 26), [] as typeof answers]));
          for (const answer of answers) if (answer.refreshToken) byToken.get(answer.refreshToken.slice(0, 26))?.push(answer);
          for (const client of everybody) {
            for (const answer of byToken.get(client.token.slice(0, 26)) ?? []) if (random(3) > 0) client.store(answer);
          }
          await cluster.table.pass([0, SECOND, G - SECOND, G, 2 * G, 600 * SECOND][random(6)]!);
        }
      },
    );

    it.each<[DeathPoint, string]>([
      ['before its statement', 'rotated'],
      ['after its statement', 'recovered'],
    ])('of a process that is killed %s are made up for: the next try is %s (P9)', async (when, outcome) => {
      const [client] = (await clients(1)) as [Client];
      const victim = await cluster.add();
      await victim.ask({ do: 'die', when });
      const answers = await victim.present({ tokens: [client.token], realm: REALM, lanes: 1, at: 0n });
      expect([answers, victim.isRunning]).toEqual([[undefined], false]);
      await cluster.table.pass(3 * DAY);
      expect(await client.refresh()).toBe(outcome);
      await cluster.table.pass(2 * G);
      expect(await client.refresh()).toBe('rotated');
    });

    it('of a process that is killed while its statement waits for the row are made up for (P9)', async () => {
      const { sessionId, refreshToken } = await cluster.signInOnce();
      const client = new Client(cluster, refreshToken);
      const victim = await cluster.add();
      const held = await cluster.table.hold(sessionId);
      const answers = victim.present({ tokens: [refreshToken], realm: REALM, lanes: 1, at: 0n });
      await held.awaited(1).finally(() => victim.stop().then(() => held.release()));
      expect(await answers).toEqual([undefined]);
      expect(['rotated', 'coalesced']).toContain(await client.refresh());
      await cluster.table.pass(2 * G);
      expect(['rotated', 'kept']).toContain(await client.refresh());
    });

    it('of processes that are killed at any instant are made up for, with what each client last stored (P9)', async () => {
      const delays = [0, G - SECOND, G, 3 * DAY];
      for (const delay of delays) {
        const everybody = await clients(100);
        const victim = await cluster.add();
        const at = soon(100);
        const tokens = everybody.map(({ token }) => token);
        const presented = victim.present({ tokens, realm: REALM, lanes: 1, at });
        await wait(Number(at - process.hrtime.bigint()) / 1e6 + Math.random() * 30);
        await victim.stop();
        for (const [index, answer] of (await presented).entries()) if (answer) everybody[index]!.store(answer);
        await cluster.table.pass(delay);
        const retried = await cluster.presentAtOnce(everybody.map(({ token }) => token));
        expect(retried).toHaveLength(100);
        expect(Object.keys(tally(retried)).filter((outcome) => !AUTHENTICATED.includes(outcome))).toEqual([]);
        await cluster.table.clear();
      }
    });

    it('and restores of the database sign nobody out whose session the backup holds (P11)', async () => {
      const everybody = await clients(20);
      for (const client of everybody.slice(10)) await client.refresh();
      await cluster.table.pass(2 * G);
      const restore = await cluster.table.backup();
      for (const [index, client] of everybody.entries()) {
        for (let refresh = 0; refresh < index % 4; refresh += 1) {
          await client.refresh({ lost: index % 8 > 3 && refresh === (index % 4) - 1 });
          await cluster.table.pass(2 * G);
        }
      }
      await restore();
      const copies = everybody.flatMap(({ token }) => Array<string>(8).fill(token));
      const answers = await cluster.presentAtOnce(copies);
      const { rotated, healed, coalesced, ...others } = tally(answers);
      expect(others).toEqual({});
      expect(rotated! + healed!).toBe(20);
      expect([healed! > 0, coalesced]).toEqual([true, 140]);
      expect(new Set(answers.map(({ refreshToken }) => refreshToken)).size).toBe(20);
    });

    it('and restores revive what was revoked since, until the operator ends it again (P11)', async () => {
      const everybody = await clients(5);
      const restore = await cluster.table.backup();
      await cluster.node(0).ask({ do: 'revoke all', subject: 'alice', realm: REALM });
      await restore();
      expect(await everybody[0]!.refresh()).toBe('rotated');
      await cluster.node(1).ask({ do: 'revoke all', subject: 'alice', realm: REALM });
      const tokens = everybody.map(({ token }) => token);
      expect(tally(await cluster.presentAtOnce(tokens))).toEqual({ session_revoked: 5 });
    });

    it('and restores let two holders go unfound for at most 7 changes (P11)', async () => {
      const { sessionId, refreshToken } = await cluster.signInOnce();
      const holders = [new Client(cluster, refreshToken), new Client(cluster, refreshToken)];
      const restore = await cluster.table.backup();
      let changes = 0;
      for (let outcome = ''; outcome !== 'refresh_reused'; changes += 1) {
        outcome = await holders[changes % 2]!.refresh();
        expect([...AUTHENTICATED, 'refresh_reused']).toContain(outcome);
        await cluster.table.pass(2 * G + 1);
        if (changes === 1) await restore();
      }
      expect(changes - 1).toBeLessThanOrEqual(7);
      expect(await cluster.table.row(sessionId)).toMatchObject({ revokeReason: 'reuse' });
    });
  });
}

/** Numbers from 0 to one below a bound, the same in every run. */
function generator(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % bound;
  };
}
