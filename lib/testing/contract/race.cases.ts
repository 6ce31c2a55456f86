import assert from 'node:assert/strict';
import { assertSame, DAY, FIRST, HOUR, simultaneously, type ContractCase } from './contract-store.js';

const ROUNDS = 5;
const THERE = { generation: 3, branch: 2 } as const;
const ONWARDS = { generation: 3, branch: 3, parentBranch: 1, idleMs: null, restartsGrace: true } as const;

/** Contract of `rotate` and `advance` under simultaneous callers: exactly one gets what only one can have. */
export const RACE_CASES: readonly ContractCase[] = [
  {
    title: 'rotate has exactly one winner among 32 simultaneous callers, round after round',
    async run(store) {
      const { session } = await store.signIn();
      for (let generation = 0; generation < ROUNDS; generation += 1) {
        const results = await simultaneously(32, () =>
          store.rotate(session, { generation, branch: 0 }, { limit: { max: 99, perMs: HOUR } }),
        );
        assert.equal(results.filter((result) => result !== null).length, 1);
        const { generation: reached, windowCount } = await store.stored(session);
        assertSame({ reached, windowCount }, { reached: generation + 1, windowCount: generation + 1 });
      }
    },
  },
  {
    title: 'rotate has exactly one winner among simultaneous callers that present different branches',
    async run(store) {
      const { session } = await store.sessionAt({ generation: 1, branch: 31 });
      const results = await simultaneously(32, (branch) => store.rotate(session, { generation: 1, branch }));
      const winners = results.flatMap((result, branch) => (result ? [branch] : []));
      assert.equal(winners.length, 1);
      assert.equal((await store.stored(session)).parentBranch, winners[0]);
    },
  },
  {
    title: 'rotate lets 32 sessions of one subject rotate at once',
    async run(store) {
      const sessions = await simultaneously(32, () => store.signIn());
      const results = await Promise.all(sessions.map(({ session }) => store.rotate(session, FIRST)));
      assert.ok(results.every((result, index) => result?.session.id === sessions[index]?.session.id && result?.session.generation === 1));
    },
  },
  {
    title: 'advance has exactly one winner among 32 simultaneous callers',
    async run(store) {
      const { session } = await store.sessionAt(THERE, 1);
      const results = await simultaneously(32, () => store.again(() => store.repository.advance(session, THERE, ONWARDS)));
      assert.equal(results.filter((result) => result !== null).length, 1);
      assert.equal((await store.stored(session)).branch, 3);
    },
  },
  {
    title: 'advance and rotate from the same position have exactly one winner',
    async run(store) {
      for (let round = 0; round < 10; round += 1) {
        const { session } = await store.sessionAt(THERE, 1);
        const results = await simultaneously(32, (index) =>
          index % 2 === 0
            ? store.rotate(session, THERE)
            : store.again(() =>
                store.repository.advance(session, THERE, { ...ONWARDS, generation: 5, branch: 0, parentBranch: 0, idleMs: DAY }),
              ),
        );
        assert.equal(results.filter((result) => result !== null).length, 1);
      }
    },
  },
];
