import type { RotationRules } from '../support/lib.js';
import type { RefreshTokenPosition } from 'nestjs-token';
import { closure } from './closure.js';
import { present, rulesWithGrace, type Row } from './decided-store.js';
import { isHigher, parentOf, Ranks } from './ranks.js';

/** Two holders of tokens of one session, and what they may do. Spans are ticks. */
export interface HolderBounds {
  /** G. */
  readonly grace: number;
  /** Spans between a presentation and the next one, by the same holder or the other. */
  readonly gaps: readonly number[];
  /** What the second holder copied from the first. */
  readonly copied: 'current' | 'parent' | 'older';
  /** Whether the session may have recovered a lost response just before the theft. */
  readonly recovered: boolean;
  /** How often the database may be restored, to a backup taken at any instant since the theft. @defaultValue 0 */
  readonly restores?: number;
  /** Presentations by one holder before the other's turn. @defaultValue any number */
  readonly inARow?: number;
  /** Whether the second holder may discard what it is handed, as if its responses came too late. @defaultValue false */
  readonly secondDiscards?: boolean;
  readonly rules?: Partial<RotationRules>;
}

export interface HolderResult {
  readonly states: number;
  /** Changes of holder after which nobody is left to present a token that works; Infinity: there are schedules that go on for ever. */
  readonly changes: number;
}

interface State {
  readonly row: Row;
  readonly backup: Row | null;
  readonly tokens: readonly [RefreshTokenPosition, RefreshTokenPosition];
  /** Who presented last; null: nobody yet. */
  readonly last: 0 | 1 | null;
  readonly inARow: number;
  readonly restored: number;
}

const FOR_EVER = 40;

/**
 * Properties P4 and P11: the most changes of holder that two holders of one session can make before one of them is found to be a second
 * one. Both store what they are handed, unless it is lower than what they have; no answer is lost. The present instant is always 0.
 */
export function searchHolders(bounds: HolderBounds): HolderResult {
  const rules = rulesWithGrace(bounds.grace, bounds.rules);
  let states = 0;
  let level = closure(beginnings(bounds), (state) => sameHolder(state, bounds, rules), normal);
  for (let changes = 0; ; changes += 1) {
    states += level.length;
    if (level.length === 0) return { states, changes: changes - 1 };
    if (changes === FOR_EVER) return { states, changes: Infinity };
    level = closure(
      level.flatMap((state) => otherHolder(state, bounds, rules)),
      (state) => sameHolder(state, bounds, rules),
      normal,
    );
  }
}

/** Sessions as an honest holder leaves them behind: freshly rotated or long ago, without and with a recovery, its parent confirmed away or not. */
function beginnings({ grace, copied, recovered }: HolderBounds): State[] {
  const states: State[] = [];
  for (const age of Array.from({ length: 2 * grace + 1 }, (_, ticks) => ticks)) {
    for (const branch of recovered ? [0, 1, 2] : [0]) {
      for (const parentBranch of copied === 'parent' ? [0] : [-1, 0]) {
        const row: Row = { generation: 0, branch, parentBranch, rotatedAt: -age, revoked: false };
        const mine = { generation: 0, branch };
        const copy = { current: mine, parent: { generation: -1, branch: 0 }, older: { generation: -2, branch: 0 } }[copied];
        states.push({ row, backup: null, tokens: [mine, copy], last: null, inARow: 0, restored: 0 });
      }
    }
  }
  return states;
}

function sameHolder(state: State, bounds: HolderBounds, rules: RotationRules): State[] {
  const { inARow = Infinity } = bounds;
  const moves = state.last === null || state.inARow >= inARow ? [] : presentations(state, state.last, bounds, rules);
  if (!bounds.restores) return moves;
  const { row, backup, restored } = state;
  if (!backup) moves.push({ ...state, backup: row });
  if (backup && restored < bounds.restores) moves.push({ ...state, row: backup, restored: restored + 1 });
  return moves;
}

function otherHolder(state: State, bounds: HolderBounds, rules: RotationRules): State[] {
  if (state.last === null) return [...presentations(state, 0, bounds, rules), ...presentations(state, 1, bounds, rules)];
  return presentations(state, state.last === 0 ? 1 : 0, bounds, rules);
}

/** After each gap, a holder presents its token: the states in which the session lives. */
function presentations(state: State, holder: 0 | 1, bounds: HolderBounds, rules: RotationRules): State[] {
  return bounds.gaps.flatMap((gap) => {
    const aged = (row: Row): Row => ({ ...row, rotatedAt: Math.max(row.rotatedAt - gap, -2 * bounds.grace) });
    const { row, handed } = present(aged(state.row), state.tokens[holder], 0, rules);
    if (row.revoked) return [];
    const kept = state.tokens[holder];
    const stored = handed && isHigher(handed, kept) ? handed : kept;
    return (holder === 1 && bounds.secondDiscards ? [stored, kept] : [stored]).map((token) => ({
      ...state,
      row,
      backup: state.backup && aged(state.backup),
      tokens: holder === 0 ? ([token, state.tokens[1]] as const) : ([state.tokens[0], token] as const),
      last: holder,
      inARow: bounds.inARow && holder === state.last ? state.inARow + 1 : 1,
    }));
  });
}

/** A token two generations below every row is worth as much as one further below: nothing. */
function normal(state: State): State {
  const { row, backup } = state;
  const rows = backup ? [row, backup] : [row];
  const worthless = Math.min(...rows.map(({ generation }) => generation)) - 2;
  const raised = (token: RefreshTokenPosition): RefreshTokenPosition =>
    token.generation <= worthless ? { generation: worthless, branch: 0 } : token;
  const [mine, theirs] = [raised(state.tokens[0]), raised(state.tokens[1])];
  const ranks = new Ranks(row.generation, [...rows, ...rows.map(parentOf), mine, theirs]);
  const renamed = (one: Row): Row => ({
    ...one,
    ...ranks.of(one),
    parentBranch: one.parentBranch < 0 ? -1 : ranks.of(parentOf(one)).branch,
  });
  return { ...state, row: renamed(row), backup: backup && renamed(backup), tokens: [ranks.of(mine), ranks.of(theirs)] };
}
