import { describe, expect, it } from '@jest/globals';
import { present, rulesWithGrace } from './decided-store.js';
import { searchHolders, type HolderBounds } from './holders.js';
import { searchOneHolder } from './one-holder.js';
import { searchParentThief } from './parent-thief.js';
import { searchSchedules, type ScheduleBounds } from './schedules.js';

/*
 * Searches of whole state spaces over the library's own verdict (decideRotation) and a step 1 of a few lines (decided-store.ts). Time goes in
 * ticks, several to G. Where a bound of rotation.md §4 counts sends, the state space here is searched until nothing new comes: for any number.
 */

/** Ticks of G. Every span of a search lies on the same grid, with one tick on either side of each boundary. */
const G = 4;

describe('schedules over one shared token store (P3)', () => {
  const splits = (grace: number): [toDatabase: number, toStore: number][] =>
    Array.from({ length: grace - 1 }, (_, index) => [index + 1, grace - index - 1]);

  const refusals = (bounds: Omit<ScheduleBounds, 'sends'> & { sends?: number }): number =>
    searchSchedules({ sends: Infinity, ...bounds }).refusals;

  /* The bounds of rotation.md are 9 sends with 2 in flight, 7 with 3, 6 with 4. Here the sends are not bounded, the ticks of G are. */
  describe.each([
    { inFlight: 2, grace: 8, store: 'max' },
    { inFlight: 2, grace: 8, store: 'last' },
    { inFlight: 3, grace: 4, store: 'max' },
    { inFlight: 3, grace: 4, store: 'last' },
    { inFlight: 4, grace: 4, store: 'max' },
    { inFlight: 4, grace: 4, store: 'last' },
  ] as const)('any number of sends, $inFlight in flight, a store that keeps the $store token', ({ inFlight, grace, store }) => {
    it.each(splits(grace))(`never end in a refusal when D + L = G (%i + %i of ${grace} ticks)`, (toDatabase, toStore) => {
      expect(refusals({ grace, toDatabase, toStore, inFlight, store })).toBe(0);
    });
  });

  it.each(['max', 'last'] as const)('end in refusals at D = G, so that the bound is sharp (the store keeps the %s token)', (store) => {
    expect(refusals({ grace: G, toDatabase: G, toStore: 0, sends: 5, inFlight: 2, store })).toBeGreaterThan(0);
  });

  it.each(splits(G))('end in refusals when D + L is one tick above G (%i + %i + 1 of 4 ticks)', (toDatabase, toStore) => {
    expect(refusals({ grace: G, toDatabase, toStore: toStore + 1, sends: 6, inFlight: 3, store: 'max' })).toBeGreaterThan(0);
  });

  /* A response is written at most G/2 after its statement, or without a refresh token: to the client that is a lost response. L is both legs. */
  it.each([1, 2])('never end in a refusal when handlers take any time, and %i of 8 ticks are left for the network (F-02)', (network) => {
    const grace = 8;
    const toStore = grace / 2 + network;
    expect(refusals({ grace, toDatabase: grace - toStore, toStore, inFlight: 2, store: 'last' })).toBe(0);
  });

  it('end in refusals under strict rotation, even when nothing takes longer than a tick', () => {
    expect(
      refusals({ grace: G, toDatabase: 1, toStore: 1, sends: 3, inFlight: 2, store: 'max', rules: { reuse: 'strict' } }),
    ).toBeGreaterThan(0);
  });

  it('end in refusals with recoverLost: grace, where a response is lost', () => {
    expect(
      refusals({ grace: G, toDatabase: 1, toStore: 1, sends: 3, inFlight: 1, store: 'max', rules: { recoverLost: 'grace' } }),
    ).toBeGreaterThan(0);
  });
});

describe('one honest holder, any number of whose responses are lost (P2)', () => {
  const delays = [0, 1, G - 1, G, 2 * G - 1, 2 * G, 100 * G];

  it('is never refused, whatever it waits before each retry, also after the last branch has been handed out', () => {
    const { refusals, highestBranch } = searchOneHolder({ grace: G, delays, restores: 0, backups: 0 });
    expect({ refusals, highestBranch }).toEqual({ refusals: 0, highestBranch: 255 });
  });

  it('is rotated, kept, coalesced or recovered, and nothing else', () => {
    const { outcomes } = searchOneHolder({ grace: G, delays, restores: 0, backups: 0 });
    expect([...outcomes].sort()).toEqual(['coalesced', 'kept', 'recovered', 'rotated']);
  });
});

describe('one honest holder and a database that is restored from backups (P11)', () => {
  it.each([
    { backups: 1, restores: 1, grace: G },
    { backups: 1, restores: 2, grace: G },
    { backups: 2, restores: 2, grace: 2 },
  ])('is never refused with $backups backups taken and $restores restores made at any instants', ({ backups, restores, grace }) => {
    const delays = [0, grace - 1, grace, 2 * grace - 1, 2 * grace];
    const { refusals, outcomes } = searchOneHolder({ grace, delays, restores, backups });
    expect(refusals).toBe(0);
    expect(outcomes).toContain('healed');
  });
});

describe('two holders of the tokens of one session (P4)', () => {
  const anyGapAboveG = [G, G + 1, 2 * G - 1, 2 * G, 2 * G + 1];
  const changes = (bounds: Omit<HolderBounds, 'grace' | 'recovered'> & { recovered?: boolean }): number =>
    searchHolders({ grace: G, recovered: true, ...bounds }).changes;

  it.each([
    ['current', 3],
    ['parent', 2],
    ['older', 1],
  ] as const)('are found after at most the right number of changes more than 2·G apart, with the %s token copied: %i', (copied, bound) => {
    expect(changes({ gaps: [2 * G + 1], copied })).toBe(bound);
  });

  it.each([
    ['current', 6],
    ['parent', 5],
    ['older', 1],
  ] as const)('are found after at most the right number of changes at least G apart, with the %s token copied: %i', (copied, bound) => {
    expect(changes({ gaps: anyGapAboveG, copied, recovered: false })).toBe(bound);
  });

  /* The one corner that rotation.md §4 does not count: a first KEPT that confirms the recovery before the theft puts everything off by 2·G. */
  it('are found one change later when the current token was copied within G of a recovery, and changes are at least G apart', () => {
    expect(changes({ gaps: anyGapAboveG, copied: 'current', recovered: true })).toBe(7);
  });

  /* The first presenter counts as a change. A thief whose responses come too late goes on with the parent, as one who throws them away. */
  it.each([
    ['current', 4],
    ['parent', 2],
  ] as const)(
    'are found although the second one gets no refresh token from its slow requests, with the %s token copied: %i (F-02)',
    (copied, bound) => {
      expect(changes({ gaps: [2 * G + 1], copied, secondDiscards: true })).toBe(bound);
    },
  );

  it('stay hidden for ever when each refreshes within G of the other', () => {
    expect(changes({ gaps: [G / 2], copied: 'current', inARow: 1 })).toBe(Infinity);
  });

  it('are found after at most 7 changes more than 2·G apart when the database is restored in between (P11)', () => {
    expect(changes({ gaps: [2 * G + 1], copied: 'current', restores: 1, inARow: 3 })).toBe(7);
  });

  it('lose the tokens of both, whoever is found', () => {
    const rules = rulesWithGrace(G);
    const row = { generation: 5, branch: 1, parentBranch: 0, rotatedAt: 0, revoked: false };
    const { row: ended, outcome } = present(row, { generation: 3, branch: 0 }, 10 * G, rules);
    expect(outcome).toBe('reuse');
    for (const token of [row, { generation: 4, branch: 0 }, { generation: 3, branch: 0 }, { generation: 6, branch: 0 }]) {
      expect(present(ended, token, 10 * G, rules).outcome).toBe('revoked');
    }
  });
});

describe('a thief that holds the parent and presents it whenever it likes (P4b)', () => {
  it.each([[[4 * G]], [[4 * G - 2, 4 * G - 1, 4 * G, 4 * G + 1]], [[2 * G + 1, 3 * G, 5 * G]], [[8 * G]]])(
    'survives at most one refresh of a victim that refreshes every %j ticks of a quarter of G',
    (due) => {
      expect(searchParentThief({ grace: G, due }).survived).toBe(1);
    },
  );
});
