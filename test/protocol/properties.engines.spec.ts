import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import type { SessionSnapshot } from 'nestjs-token';
import { Agenda } from '../support/agenda.js';
import { openNode, openNodes, type NodeOptions, type TestNode } from '../support/nodes.js';
import { mutantsOf, partsOf } from '../support/refresh-token.js';
import { describeOn } from '../support/databases.js';
import { openStore, runsOn, STORES, type TestStore } from '../support/stores.js';
import { countingCalls, countingWrites, readingFirst } from '../support/watched-repository.js';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;
const G = 30 * SECOND;
const OPTIONS = {
  access: { lifetime: '4m' },
  refresh: { grace: '30s', idleLifetime: '14d', absoluteLifetime: '3650d', limit: false },
} as const satisfies NodeOptions;

/** Outcome, or error code, and the refresh token that came along. */
interface Answer {
  readonly outcome: string;
  readonly token: string | undefined;
}

async function present(node: TestNode, token: string): Promise<Answer> {
  try {
    const { outcome, pair } = await node.refresh.rotate(token);
    return { outcome, token: pair.refreshToken };
  } catch (error) {
    return { outcome: (error as { errorCode: string }).errorCode, token: undefined };
  }
}

async function signIn(node: TestNode, subject = 'alice'): Promise<{ token: string; id: string }> {
  const { refreshToken, sessionId } = await node.refresh.signIn(subject);
  return { token: refreshToken!, id: sessionId };
}

/** A client: it presents what it has, and stores what it gets unless the answer is lost. */
class Client {
  constructor(public token: string) {}

  async refresh(node: TestNode, { lost = false } = {}): Promise<string> {
    const { outcome, token } = await present(node, this.token);
    if (!lost) this.token = token ?? this.token;
    return outcome;
  }
}

const AUTHENTICATED = ['rotated', 'kept', 'coalesced', 'recovered', 'healed'];

beforeAll(() => Logger.overrideLogger(false));

// Thousands of calls: without a server, PostgreSQL takes too long for them. The contract and the random histories cover its dialect.
for (const name of STORES.filter((store) => store !== 'pglite')) {
  const describeHere = name === 'in-memory' ? describe : await describeOn(name);

  describeHere(`the rotation protocol over the ${name} store`, () => {
    let store: TestStore;
    let nodes: [TestNode, TestNode];

    beforeAll(async () => {
      store = await openStore(name);
    });
    afterAll(() => store.close());
    beforeEach(() => {
      nodes = openNodes(store.repository, OPTIONS);
    });
    afterEach(async () => {
      for (const node of nodes) node.close();
      await store.clear();
    });

    const stored = async (id: string, realm = 'default'): Promise<SessionSnapshot['session'] | undefined> =>
      (await store.repository.find({ realm, id }))?.session;
    const wait = (milliseconds: number): number => store.clock.advance(milliseconds);

    describe('simultaneous presentations (P1, P6, P10)', () => {
      it('give exactly one rotation and one successor to 100 callers on two nodes whose clocks are hours apart', async () => {
        let { token } = await signIn(nodes[0]);
        for (let generation = 1; generation <= 10; generation += 1) {
          const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => present(nodes[index % 2]!, token)));
          expect(answers.filter(({ outcome }) => outcome === 'rotated')).toHaveLength(1);
          expect(answers.filter(({ outcome }) => outcome === 'coalesced')).toHaveLength(99);
          const successors = new Set(answers.map((answer) => answer.token));
          expect(successors.size).toBe(1);
          token = [...successors][0]!;
          expect(partsOf(token)).toMatchObject({ generation, branch: 0 });
          wait(2 * G);
        }
        expect(await store.count()).toBe(1);
      });

      it('cost one write, however many they are', async () => {
        const { token } = await signIn(nodes[0]);
        const { repository, writes } = countingWrites(store.repository);
        const both = openNodes(repository, OPTIONS);
        await Promise.all(Array.from({ length: 64 }, (_, index) => present(both[index % 2]!, token)));
        expect(writes()).toBe(1);
        for (const node of both) node.close();
      });

      it('of the current token within 2·G are kept by all, without a write', async () => {
        const { token } = await signIn(nodes[0]);
        const successor = (await present(nodes[0], token)).token!;
        const before = await stored((await nodes[0].refresh.sessions('alice'))[0]!.sessionId);
        wait(2 * G - 1);
        const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => present(nodes[index % 2]!, successor)));
        expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(new Set(['kept']));
        expect(answers.every((answer) => answer.token === undefined)).toBe(true);
        expect(await stored(before!.id)).toEqual(before);
      });

      it('of a lost parent give one recovery and one token', async () => {
        const { token } = await signIn(nodes[0]);
        await present(nodes[0], token);
        wait(G);
        const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => present(nodes[index % 2]!, token)));
        expect(answers.filter(({ outcome }) => outcome === 'recovered')).toHaveLength(1);
        expect(answers.filter(({ outcome }) => outcome === 'coalesced')).toHaveLength(19);
        expect(new Set(answers.map((answer) => answer.token)).size).toBe(1);
      });

      it('of a recovered token and its parent leave the parent unrecoverable: no recovery undoes a confirmation', async () => {
        const { token: parent, id } = await signIn(nodes[0]);
        const client = new Client(parent);
        await client.refresh(nodes[0], { lost: true });
        wait(G);
        expect(await client.refresh(nodes[0])).toBe('recovered');
        wait(G);
        const [holder, other] = await Promise.all([present(nodes[0], client.token), present(nodes[1], parent)]);
        expect(holder.outcome).toBe('kept');
        expect(['recovered', 'coalesced']).toContain(other.outcome);
        expect((await stored(id))?.parentBranch).toBe(-1);
      });
    });

    describe('lost responses (P2)', () => {
      it.each([
        ['1 s', SECOND],
        ['G − 1 ms', G - 1],
        ['G', G],
        ['2·G', 2 * G],
        ['3 days', 3 * DAY],
      ])('never sign a client out that retries after %s: 256 in a row, and then it goes on', async (_, delay) => {
        const { token } = await signIn(nodes[0]);
        const client = new Client(token);
        const outcomes = new Set<string>();
        for (let lost = 0; lost < 256; lost += 1) {
          outcomes.add(await client.refresh(nodes[lost % 2]!, { lost: true }));
          wait(delay);
        }
        expect([...outcomes].sort()).toEqual(delay < G ? ['coalesced', 'recovered', 'rotated'] : ['recovered', 'rotated']);
        expect(['coalesced', 'recovered']).toContain(await client.refresh(nodes[0]));
        wait(2 * G);
        expect(await client.refresh(nodes[0])).toBe('rotated');
        wait(2 * G);
        expect(await client.refresh(nodes[1])).toBe('rotated');
      });

      it('extend the idle lifetime each time, also when the last branch is handed out again and nothing else changes (F-01)', async () => {
        const { token, id } = await signIn(nodes[0]);
        const client = new Client(token);
        await client.refresh(nodes[0], { lost: true });
        for (let recovery = 1; recovery <= 255; recovery += 1) {
          const now = wait(DAY);
          expect(await client.refresh(nodes[0], { lost: true })).toBe('recovered');
          expect(await stored(id)).toMatchObject({ branch: recovery, lastUsedAt: now, idleExpiresAt: now + 14 * DAY });
        }
        const last = await stored(id);
        const now = wait(14 * DAY - 1);
        expect(await client.refresh(nodes[0], { lost: true })).toBe('recovered');
        expect(await stored(id)).toEqual({ ...last, lastUsedAt: now, idleExpiresAt: now + 14 * DAY });
        wait(14 * DAY);
        expect(await client.refresh(nodes[0])).toBe('refresh_expired');
      });

      it('are forgiven up to the last millisecond of the idle lifetime', async () => {
        const [late, tooLate] = [await signIn(nodes[0]), await signIn(nodes[0])];
        for (const { token } of [late, tooLate]) await present(nodes[0], token);
        wait(14 * DAY - 1);
        expect((await present(nodes[0], late.token)).outcome).toBe('recovered');
        wait(1);
        expect((await present(nodes[0], tooLate.token)).outcome).toBe('refresh_expired');
      });
    });

    describe('requests over one shared token store (P3)', () => {
      const request = fc.record({
        /** Since the one before was sent. */
        after: fc.oneof(fc.integer({ min: 0, max: G }), fc.constantFrom(0, 1, G - 1, G, 2 * G - 1, 2 * G, 3 * G)),
        /** Shares of D and of L, in thousandths. */
        way: fc.oneof(fc.integer({ min: 0, max: 1_000 }), fc.constantFrom(0, 1_000)),
        back: fc.oneof(fc.integer({ min: 0, max: 1_000 }), fc.constantFrom(0, 1_000)),
        fate: fc.constantFrom('arrives', 'arrives', 'response lost', 'request lost'),
        node: fc.constantFrom<0 | 1>(0, 1),
      });
      const schedule = fc.record({
        toDatabase: fc.integer({ min: 0, max: G - 1 }),
        requests: fc.array(request, { minLength: 2, maxLength: 24, size: 'max' }),
        goesBack: fc.boolean(),
      });

      it('are never refused, in random schedules with D < G and D + L = G, whether the store goes back to lower tokens or not', async () => {
        await fc.assert(
          fc.asyncProperty(schedule, async ({ toDatabase, requests, goesBack }) => {
            const { token } = await signIn(nodes[0]);
            wait(2 * G);
            let held = token;
            const events = new Agenda(store.clock.now());
            let sentAt = store.clock.now();
            for (const { after, way, back, fate, node } of requests) {
              sentAt += after;
              events.at(sentAt, () => {
                const sent = held;
                if (fate === 'request lost') return;
                const arrivesAt = store.clock.now() + Math.floor((toDatabase * way) / 1_000);
                events.at(arrivesAt, async () => {
                  const { outcome, token: handed } = await present(nodes[node], sent);
                  expect(AUTHENTICATED).toContain(outcome);
                  if (handed === undefined || fate === 'response lost') return;
                  events.at(arrivesAt + Math.floor(((G - toDatabase) * back) / 1_000), () => {
                    if (goesBack || isHigher(handed, held)) held = handed;
                  });
                });
              });
            }
            await events.run((instant) => store.clock.set(instant));
          }),
          { numRuns: runsOn(name, 400) },
        );
      });
    });

    describe('two holders of one session (P4)', () => {
      const gap = fc.oneof(fc.constantFrom(2 * G + 1, 4 * G, HOUR), fc.integer({ min: 2 * G + 1, max: DAY }));
      const lead = fc.constantFrom(0, G - 1, G, 2 * G - 1, 2 * G, HOUR);
      const turn = fc.record({ gap, again: fc.nat(2), node: fc.constantFrom<0 | 1>(0, 1) });

      it.each([
        ['current', 3],
        ['parent', 2],
        ['grandparent', 1],
      ] as const)('are found after at most so many changes more than 2·G apart when the %s token was copied: %i', async (copied, bound) => {
        await fc.assert(
          fc.asyncProperty(lead, fc.boolean(), fc.array(turn, { minLength: 5, maxLength: 5 }), async (age, thiefBegins, turns) => {
            const { token, id } = await signIn(nodes[0]);
            const victim = new Client(token);
            const copies = [token];
            for (let rotation = 0; rotation < 2; rotation += 1) {
              wait(2 * G);
              await victim.refresh(nodes[0]);
              copies.unshift(victim.token);
            }
            wait(age);
            const thief = new Client(copies[['current', 'parent', 'grandparent'].indexOf(copied)]!);
            const holders = thiefBegins ? [thief, victim] : [victim, thief];
            let changes = -1;
            let outcome = '';
            for (const { gap: span, again, node } of turns) {
              changes += 1;
              for (let time = 0; time <= again && outcome !== 'refresh_reused'; time += 1) {
                wait(span);
                outcome = await holders[changes % 2]!.refresh(nodes[node]);
              }
              if (outcome === 'refresh_reused') break;
            }
            expect(outcome).toBe('refresh_reused');
            expect(changes).toBeLessThanOrEqual(bound);
            for (const holder of holders) expect(await holder.refresh(nodes[0])).toBe('session_revoked');
            expect((await stored(id))?.revokeReason).toBe('reuse');
          }),
          { numRuns: runsOn(name, 200) },
        );
      });

      it.each([
        ['all the time', G / 4, 4 * G],
        ['only when the victim is due', 4 * G, 4 * G],
      ])('are found after at most one refresh of the victim when the thief presents the parent %s (P4b)', async (_, every, due) => {
        const { token: stolen } = await signIn(nodes[0]);
        const victim = new Client(stolen);
        await victim.refresh(nodes[0]);
        const thief = new Client(stolen);
        let survived = 0;
        for (let now = every; survived <= 3; now += every) {
          wait(every - 1);
          const { outcome } = await present(nodes[1], thief.token);
          if (outcome === 'refresh_reused') break;
          wait(1);
          if (now % due !== 0) continue;
          survived += 1;
          await victim.refresh(nodes[0]);
        }
        expect(survived).toBe(1);
        expect(await victim.refresh(nodes[0])).toBe('session_revoked');
      });
    });

    describe('a logout that races a refresh (P5)', () => {
      it('wins 1,000 times, whichever comes first', async () => {
        for (let round = 0; round < 1_000; round += 1) {
          const { token, id } = await signIn(nodes[0]);
          const logout = (): Promise<unknown> => nodes[0].refresh.signOut(token);
          const refresh = (): Promise<Answer> => present(nodes[1], token);
          const [first, second] = await Promise.all(round % 2 === 0 ? [logout(), refresh()] : [refresh(), logout()]);
          const answer = ((round % 2 === 0 ? second : first) as Answer).outcome;
          expect(['rotated', 'session_revoked']).toContain(answer);
          const { revokeReason, revokedAt } = (await stored(id))!;
          expect({ revokeReason, revokedAt }).toEqual({ revokeReason: 'logout', revokedAt: store.clock.now() });
          expect((await present(nodes[0], token)).outcome).toBe('session_revoked');
        }
      });

      it('ends the session whichever token of it the client still has', async () => {
        for (const back of [0, 1, 2, 3]) {
          const { token, id } = await signIn(nodes[0]);
          const tokens = [token];
          for (let rotation = 0; rotation < 3; rotation += 1) {
            wait(2 * G);
            tokens.unshift((await present(nodes[0], tokens[0]!)).token!);
          }
          await nodes[1].refresh.signOut(tokens[back]);
          expect((await stored(id))?.revokeReason).toBe('logout');
        }
      });
    });

    describe('what is not an authentic token (P7)', () => {
      it('is refused without a query, 1,000 mutants of a good token, and leaves the session alive', async () => {
        const { token, id } = await signIn(nodes[0]);
        const successor = (await present(nodes[0], token)).token!;
        wait(2 * G);
        const before = await stored(id);
        const { repository, calls } = countingCalls(store.repository);
        const node = openNode(repository, OPTIONS);
        const mutants = mutantsOf(successor);
        expect(mutants.length).toBeGreaterThanOrEqual(1_000);
        for (const mutant of mutants) expect(await present(node, mutant)).toEqual({ outcome: 'refresh_invalid', token: undefined });
        expect(calls()).toBe(0);
        node.close();
        expect(await stored(id)).toEqual(before);
        expect((await present(nodes[0], successor)).outcome).toBe('rotated');
      });

      it('is refused also when it is the token of another realm, issuer or secret', async () => {
        const { token } = await signIn(nodes[0]);
        const strangers = [
          openNode(store.repository, { ...OPTIONS, realm: 'admin' }),
          openNode(store.repository, { ...OPTIONS, issuer: 'https://other.example.com' }),
          openNode(store.repository, { ...OPTIONS, secret: 'another secret, of 32 bytes at least: 4kQ' }),
        ];
        for (const stranger of strangers) {
          expect((await present(stranger, token)).outcome).toBe('refresh_invalid');
          stranger.close();
        }
        expect((await present(nodes[0], token)).outcome).toBe('rotated');
      });
    });

    describe('a stale read of the row (P7)', () => {
      it('from before the latest rotations is looked through: the current token is kept', async () => {
        const { token, id } = await signIn(nodes[0]);
        const old = (await store.repository.find({ realm: 'default', id }))!;
        const client = new Client(token);
        for (let rotation = 0; rotation < 3; rotation += 1) {
          wait(2 * G);
          await client.refresh(nodes[0]);
        }
        const node = openNode(readingFirst(store.repository, { ...old, at: store.clock.now() }), OPTIONS);
        expect(await client.refresh(node)).toBe('kept');
        expect((await stored(id))?.revokedAt).toBeNull();
        node.close();
      });

      it('from before a restore revokes nothing, although it speaks of reuse', async () => {
        const { token, id } = await signIn(nodes[0]);
        const client = new Client(token);
        wait(2 * G);
        await client.refresh(nodes[0]);
        const restore = await store.backup();
        const ahead = new Client(client.token);
        for (let rotation = 0; rotation < 3; rotation += 1) {
          wait(2 * G);
          await ahead.refresh(nodes[0]);
        }
        const future = (await store.repository.find({ realm: 'default', id }))!;
        await restore();
        const node = openNode(readingFirst(store.repository, future, { rotates: false }), OPTIONS);
        expect(AUTHENTICATED).toContain(await client.refresh(node));
        expect((await stored(id))?.revokedAt).toBeNull();
        node.close();
      });
    });

    describe('reuse (P8)', () => {
      it("ends the one session: the subject's others, other subjects and other realms are untouched", async () => {
        const admin = openNode(store.repository, { ...OPTIONS, realm: 'admin' });
        const { token, id } = await signIn(nodes[0]);
        const [sibling, stranger, elsewhere] = [await signIn(nodes[0]), await signIn(nodes[0], 'bob'), await signIn(admin)];
        const before = [await stored(sibling.id), await stored(stranger.id), await stored(elsewhere.id, 'admin')];
        const client = new Client(token);
        for (let rotation = 0; rotation < 2; rotation += 1) {
          await client.refresh(nodes[0]);
          wait(2 * G);
        }
        expect((await present(nodes[0], token)).outcome).toBe('refresh_reused');
        expect((await stored(id))?.revokeReason).toBe('reuse');
        expect([await stored(sibling.id), await stored(stranger.id), await stored(elsewhere.id, 'admin')]).toEqual(before);
        expect((await present(nodes[0], sibling.token)).outcome).toBe('rotated');
        expect((await present(admin, elsewhere.token)).outcome).toBe('rotated');
        admin.close();
      });
    });

    describe('a restore of an older backup (P11)', () => {
      it('heals a session whose client is ahead, whether its last response was lost or not', async () => {
        for (const lost of [false, true]) {
          const { token, id } = await signIn(nodes[0]);
          const client = new Client(token);
          await client.refresh(nodes[0]);
          wait(2 * G);
          const restore = await store.backup();
          for (let rotation = 0; rotation < 3; rotation += 1) {
            await client.refresh(nodes[0]);
            wait(2 * G);
          }
          await client.refresh(nodes[0], { lost });
          await restore();
          expect(await client.refresh(nodes[1])).toBe('healed');
          expect(await stored(id)).toMatchObject({ generation: partsOf(client.token).generation, branch: 0 });
          wait(2 * G);
          expect(await client.refresh(nodes[0])).toBe('rotated');
        }
      });

      it('does not know sessions that were opened since', async () => {
        const restore = await store.backup();
        const { token } = await signIn(nodes[0]);
        await restore();
        expect((await present(nodes[0], token)).outcome).toBe('session_not_found');
      });

      it('revives sessions that were revoked since, for nodes that have not seen it: the operator ends them again', async () => {
        const { token } = await signIn(nodes[0]);
        const restore = await store.backup();
        await nodes[0].refresh.revokeAll('alice');
        await restore();
        expect((await present(nodes[0], token)).outcome).toBe('session_revoked');
        expect((await present(nodes[1], token)).outcome).toBe('rotated');
        await nodes[1].refresh.revokeAll('alice');
        expect((await present(nodes[1], token)).outcome).toBe('session_revoked');
      });
    });
  });
}

function isHigher(one: string, other: string): boolean {
  const [a, b] = [partsOf(one), partsOf(other)];
  return a.generation > b.generation || (a.generation === b.generation && a.branch > b.branch);
}
