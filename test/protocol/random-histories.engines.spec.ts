import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import fc from 'fast-check';
import { describeOn } from '../support/databases.js';
import { openStore, runsOn, STORES, type TestStore } from '../support/stores.js';
import type { ModelRules } from './model.js';
import { World, type NodeNumber, type Pick, type Step } from './world.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const G = 30 * SECOND;
const START = Date.UTC(2030, 0, 1);

/** A window that a few waits of 2·G do not leave. */
const LIMITED = { max: 2, per: 20 * MINUTE };
/** Spans on both sides of every boundary of the protocol. */
const WAITS = [1, SECOND, G / 2, G - 1, G, G + 1, 2 * G - 1, 2 * G, 2 * G + 1, LIMITED.per - 2 * G - 1, LIMITED.per - 2 * G, LIMITED.per];
const RARE_WAITS = [HOUR - 1, HOUR, 6 * HOUR, -1, -G, -3 * G, -HOUR];

/** What must have occurred in the course of the histories, lest they prove nothing. */
const EVERYTHING = [
  ...['coalesced', 'healed', 'kept', 'recovered', 'rotated'],
  ...['refresh_expired', 'refresh_invalid', 'refresh_limited', 'refresh_reused', 'session_not_found', 'session_revoked'],
].sort();

const node = fc.constantFrom<NodeNumber>(0, 1);
const subject = fc.constantFrom('alice', 'bob');
const session = fc.nat(3);
/** The current token, its parent and its grandparent more often than any other. */
const pick: fc.Arbitrary<Pick> = fc.record({
  session,
  back: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(0, 0, 1, 1, 2) }, { weight: 1, arbitrary: fc.nat(20) }),
});
const client = fc.constantFrom<0 | 1>(0, 1);

const weighted: [number, fc.Arbitrary<Step>][] = [
  [3, fc.record({ step: fc.constant('sign in' as const), subject, node })],
  [16, fc.record({ step: fc.constant('present' as const), pick, node })],
  [12, fc.record({ step: fc.constant('client' as const), client, lost: fc.boolean(), node })],
  [3, fc.record({ step: fc.constant('obtain' as const), client, pick })],
  [
    8,
    fc.record({
      step: fc.constant('burst' as const),
      calls: fc.array(fc.record({ pick, node }), { minLength: 1, maxLength: 4 }),
      copies: fc.integer({ min: 1, max: 4 }),
    }),
  ],
  [20, fc.record({ step: fc.constant('wait' as const), ms: fc.constantFrom(...WAITS) })],
  [2, fc.record({ step: fc.constant('wait' as const), ms: fc.constantFrom(...RARE_WAITS) })],
  [1, fc.record({ step: fc.constant('sign out' as const), pick, node })],
  [1, fc.record({ step: fc.constant('revoke' as const), session, node })],
  [1, fc.record({ step: fc.constant('revoke all' as const), subject, except: fc.option(session, { nil: null }), node })],
  [2, fc.record({ step: fc.constant('mutant' as const), pick, byte: fc.nat(38), mask: fc.integer({ min: 1, max: 255 }), node })],
  [2, fc.constant({ step: 'back up' as const })],
  [2, fc.record({ step: fc.constant('restore' as const), backup: fc.nat(3) })],
  [1, fc.record({ step: fc.constant('purge' as const), node })],
];
const anyStep = fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })));

/** Two sign-ins, of two subjects, then anything. */
const history = fc
  .array(anyStep, { maxLength: 60, size: 'max' })
  .map((steps): Step[] => [{ step: 'sign in', subject: 'alice', node: 0 }, { step: 'sign in', subject: 'bob', node: 1 }, ...steps]);

const TOLERANT: ModelRules = { grace: G, idle: HOUR, absolute: 6 * HOUR, strict: false, recoverLost: 'always', limit: null };
const rules: fc.Arbitrary<ModelRules> = fc.oneof(
  { weight: 6, arbitrary: fc.constant(TOLERANT) },
  { weight: 4, arbitrary: fc.constant({ ...TOLERANT, limit: LIMITED }) },
  { weight: 1, arbitrary: fc.constant({ ...TOLERANT, recoverLost: 'grace' as const }) },
  { weight: 1, arbitrary: fc.constant({ ...TOLERANT, strict: true }) },
  { weight: 2, arbitrary: fc.constant({ ...TOLERANT, strict: true, limit: LIMITED }) },
);

const signIn: Step = { step: 'sign in', subject: 'alice', node: 0 };
const present = (back = 0): Step => ({ step: 'present', pick: { session: 0, back }, node: 0 });
const wait = (ms: number): Step => ({ step: 'wait', ms });

/** In two of these histories everything occurs, because random ones may miss what is rare. In the last one the clock is set back. */
const EXAMPLES: [ModelRules, Step[]][] = [
  [
    { ...TOLERANT, limit: LIMITED },
    [
      ...[signIn, present(), present(), present(1), wait(2 * G), present(), wait(2 * G), present(), present(1)],
      ...[present(3), present(), { step: 'mutant', pick: { session: 0, back: 0 }, byte: 20, mask: 1, node: 1 } as const],
    ],
  ],
  [
    TOLERANT,
    [
      ...[signIn, { step: 'back up' } as const, wait(2 * G), present(), wait(2 * G), present(), { step: 'restore', backup: 0 } as const],
      ...[present(), wait(6 * HOUR), present(), { step: 'purge', node: 0 } as const, present()],
    ],
  ],
  [TOLERANT, [signIn, present(), wait(2 * G + 1), present(1), wait(-HOUR), present()]],
];

for (const name of STORES) {
  const describeHere = name === 'in-memory' ? describe : await describeOn(name);
  const numRuns = runsOn(name, 1_000);

  describeHere(`RefreshService over the ${name} store`, () => {
    let store: TestStore;

    beforeAll(async () => {
      // Reuse is what these histories are full of.
      Logger.overrideLogger(false);
      store = await openStore(name);
    });
    afterAll(() => store.close());

    it(`answers every presentation of ${numRuns} random histories as the model does, and leaves the rows as the model does`, async () => {
      const seen = new Set<string>();
      await fc.assert(
        fc.asyncProperty(rules, history, async (given, steps) => {
          store.clock.set(START);
          const world = new World(store, given);
          try {
            for (const step of steps) await world.make(step);
          } finally {
            world.close();
            for (const one of world.seen) seen.add(one);
            await store.clear();
          }
        }),
        { numRuns, examples: EXAMPLES },
      );
      expect([...seen].sort()).toEqual(EVERYTHING);
    }, 120_000);
  });
}
