import fc from 'fast-check';

/** What changes the world of a history without verifying a token. */
export type Change =
  /** The wall clock of the node jumps, forward or back. */
  | { readonly kind: 'jump'; readonly ms: number }
  /** Time passes: both clocks of the node advance. */
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'retire'; readonly kid: string }
  | { readonly kind: 'reload'; readonly stage: number }
  | { readonly kind: 'revoke'; readonly session: number; readonly here: boolean }
  | { readonly kind: 'revoke access'; readonly session: number; readonly here: boolean }
  | { readonly kind: 'poll' }
  | { readonly kind: 'forget'; readonly profile: number };

/** One step of a history. A token is a number, counted from the one that was added last. */
export type Step =
  | Change
  | { readonly kind: 'verify'; readonly token: number; readonly profile: number }
  | { readonly kind: 'recall'; readonly token: number; readonly profile: number }
  /** The world changes while the token is being verified. */
  | { readonly kind: 'overtake'; readonly token: number; readonly profile: number; readonly change: Change }
  | {
      readonly kind: 'issue';
      readonly signer: number;
      readonly session: number;
      readonly lifetime: number;
      /** Seconds by which the clock of the issuing node differs. */
      readonly skew: number;
      /** Whether the issuing node knows about revocations. */
      readonly informed: boolean;
    }
  | { readonly kind: 'tamper'; readonly token: number; readonly how: Tampering; readonly at: number }
  /** Many tokens of other sessions are verified, so that some entries are evicted. */
  | { readonly kind: 'flood'; readonly profile: number; readonly tokens: number };

/** How a token is changed. */
export const TAMPERINGS = ['character', 'last character', 'suffix', 'truncate', 'graft', 'repeat', 'type', 'claims'] as const;
export type Tampering = (typeof TAMPERINGS)[number];

/** Nothing can be recalled with `revocation: 'strict'` (2) and for another audience (3), so these are rarer. */
const profile = fc.constantFrom(0, 0, 0, 1, 1, 1, 2, 3);
/** The latest tokens more often than others. */
const token = fc.constantFrom(0, 0, 0, 0, 1, 1, 2, 3, 5, 8, 13, 21);
const session = fc.nat(3);
const here = fc.boolean();

/** Spans on both sides of leeways, lifetimes and the longest stay of an entry. */
const SPANS = [1, 1, 999, 1_000, 4_999, 5_000, 5_001, 59_000, 60_000, 60_001, 299_999, 300_000, 300_001, 900_000, 905_000];

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(...SPANS) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('jump' as const), ms: fc.constantFrom(...SPANS, ...SPANS.map((ms) => -ms)) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('retire' as const), kid: fc.constantFrom('a', 'b', 'c') }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reload' as const), stage: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('revoke' as const), session, here }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('revoke access' as const), session, here }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'poll' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), profile }) },
);

const issue: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('issue' as const),
  signer: fc.constantFrom(0, 0, 1, 2, 3),
  session,
  lifetime: fc.constantFrom(1, 5, 60, 300, 301, 900, 3_600),
  skew: fc.constantFrom(-2, 0, 0, 0, 1, 60),
  informed: fc.boolean(),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 7, arbitrary: fc.record({ kind: fc.constant('verify' as const), token, profile }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('recall' as const), token, profile }) },
  { weight: 3, arbitrary: issue },
  { weight: 5, arbitrary: change },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('overtake' as const), token, profile, change }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('tamper' as const), token, how: fc.constantFrom(...TAMPERINGS), at: fc.nat(500) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flood' as const), profile, tokens: fc.integer({ min: 1, max: 6 }) }) },
);

/** What differs from history to history: the kind of the keys, and how many tokens the caches remember. */
export interface Setting {
  readonly keys: 'secrets' | 'pairs';
  readonly cacheMax: number;
}

export const setting: fc.Arbitrary<Setting> = fc.record({
  // Signatures of key pairs cost ten times as much.
  keys: fc.oneof({ weight: 15, arbitrary: fc.constant('secrets' as const) }, { weight: 1, arbitrary: fc.constant('pairs' as const) }),
  cacheMax: fc.constantFrom(1, 2, 4, 16, 10_000),
});

export const history: fc.Arbitrary<Step[]> = fc.array(step, { minLength: 4, maxLength: 28, size: 'max' });
