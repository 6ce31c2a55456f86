import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { runs } from '../support/runs.js';
import { history, setting } from './history-steps.js';
import type { Tally } from './history-world.js';
import { HistoryWorld } from './history-world.js';

/** What must have occurred in the course of the histories, lest they prove nothing. */
const EVERYTHING = [
  ...['accepted', 'overtaken', 'recalled', 'reload refused'],
  ...['token_expired', 'token_invalid', 'token_malformed', 'token_not_yet_valid', 'token_revoked', 'token_type_mismatch'],
];

describe('an access token service with a cache and one without', () => {
  const monotonic = { now: 0 };
  const { now } = performance;
  beforeEach(() => {
    monotonic.now = 1_000;
    // A mock of Jest would record a hundred million calls.
    performance.now = () => monotonic.now;
  });
  afterEach(() => {
    performance.now = now;
  });

  it('VC-01/02/03/04/06/07/08/09/16 agree at every step of every history of tokens, clocks, keys and sessions', async () => {
    const tally: Tally = new Map();
    await fc.assert(
      fc.asyncProperty(setting, history, async (given, steps) => {
        const world = await new HistoryWorld(given, monotonic, tally).open();
        for (const step of steps) await world.take(step);
      }),
      { numRuns: runs(100_000, 2_000) },
    );
    expect([...tally.keys()].sort()).toEqual(EVERYTHING);
    expect(tally.get('recalled')).toBeGreaterThan(runs(100_000, 2_000));
  }, 1_800_000);
});
