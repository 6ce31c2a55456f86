import type { RotationRules } from '../support/lib.js';
import { LAST_BRANCH } from '../support/lib.js';
import type { RefreshTokenPosition } from 'nestjs-token';
import { closure } from './closure.js';
import { present, rulesWithGrace, type Presented, type Row } from './decided-store.js';
import { parentOf, Ranks } from './ranks.js';

/** The only holder of a session's tokens, and what may befall it. Spans are ticks. */
export interface OneHolderBounds {
  /** G. */
  readonly grace: number;
  /** Spans between one presentation and the next. */
  readonly delays: readonly number[];
  /** How often the database may be restored, each time from any of the backups. */
  readonly restores: number;
  /** Backups that may be taken, each at any instant. */
  readonly backups: number;
  readonly rules?: Partial<RotationRules>;
}

export interface OneHolderResult {
  readonly states: number;
  readonly refusals: number;
  /** Every outcome that occurred. */
  readonly outcomes: ReadonlySet<Presented['outcome']>;
  readonly highestBranch: number;
}

interface State {
  readonly row: Row;
  readonly token: RefreshTokenPosition;
  readonly backups: readonly Row[];
  readonly restored: number;
}

const SIGNED_IN: State = {
  row: { generation: 0, branch: 0, parentBranch: -1, rotatedAt: -1_000, revoked: false },
  token: { generation: 0, branch: 0 },
  backups: [],
  restored: 0,
};

/**
 * Properties P2 and P11: one honest holder that presents the token it has, one request at a time, after any of the delays. Each answer
 * reaches it or is lost, any number of times in a row; backups are taken and restored in between. The present instant is always 0.
 */
export function searchOneHolder(bounds: OneHolderBounds): OneHolderResult {
  const rules = rulesWithGrace(bounds.grace, bounds.rules);
  const outcomes = new Set<Presented['outcome']>();
  let refusals = 0;
  const presentations = (state: State): State[] =>
    bounds.delays.flatMap((delay) => {
      const { row, token, backups, restored } = aged(state, delay, bounds.grace);
      const presented = present(row, token, 0, rules);
      outcomes.add(presented.outcome);
      if (presented.row.revoked) refusals += 1;
      if (presented.row.revoked) return [];
      const lost = { row: presented.row, token, backups, restored };
      return [lost, { ...lost, token: presented.handed ?? token }];
    });
  const states = closure(
    [SIGNED_IN],
    (state) => [...presentations(state), ...backedUp(state, bounds), ...restored(state, bounds)],
    bounds.backups === 0 ? countingBranches : ranked,
  );
  return { states: states.length, refusals, outcomes, highestBranch: Math.max(...states.map(({ row }) => row.branch)) };
}

function aged(state: State, delay: number, grace: number): State {
  const older = (row: Row): Row => ({ ...row, rotatedAt: Math.max(row.rotatedAt - delay, -2 * grace) });
  return { ...state, row: older(state.row), backups: state.backups.map(older) };
}

function backedUp(state: State, { backups }: OneHolderBounds): State[] {
  return state.backups.length < backups ? [{ ...state, backups: [...state.backups, state.row] }] : [];
}

function restored(state: State, { restores }: OneHolderBounds): State[] {
  return state.restored < restores ? state.backups.map((backup) => ({ ...state, row: backup, restored: state.restored + 1 })) : [];
}

/**
 * Without backups: generations from the row's, branches as they are, up to the last. The branch of the token makes no difference as long
 * as it is one that the row has handed out; which branch the parent has, none beyond its being the holder's.
 */
function countingBranches(state: State): State {
  const { row, token } = state;
  const isParent = token.generation === row.generation - 1;
  const worksNow = token.generation === row.generation && token.branch <= row.branch;
  if (row.branch > LAST_BRANCH || !(worksNow || (isParent && token.branch === row.parentBranch))) {
    throw new Error(`not a token that an honest holder can have: ${JSON.stringify(state)}`);
  }
  return {
    ...state,
    row: { ...row, generation: 0, parentBranch: Math.min(row.parentBranch, 0) },
    token: { generation: isParent ? -1 : 0, branch: 0 },
  };
}

/** With backups: branches by their order; a row that lies three generations back is worth as much as one further back. */
function ranked({ row, token, backups, restored }: State): State {
  const newest = Math.max(row.generation, token.generation);
  const pulled = (one: Row): Row => ({ ...one, generation: Math.max(one.generation, newest - 3) });
  const [mine, ...theirs] = [row, ...backups].map(pulled) as [Row, ...Row[]];
  const ranks = new Ranks(newest, [mine, ...theirs, ...[mine, ...theirs].map(parentOf), token]);
  const renamed = (one: Row): Row => ({
    ...one,
    ...ranks.of(one),
    parentBranch: one.parentBranch < 0 ? -1 : ranks.of(parentOf(one)).branch,
  });
  return { row: renamed(mine), token: ranks.of(token), backups: theirs.map(renamed), restored };
}
