import type { RotationRules } from '../support/lib.js';
import type { RefreshTokenPosition } from 'nestjs-token';
import { closure } from './closure.js';
import { present, rulesWithGrace, type Row } from './decided-store.js';
import { parentOf, Ranks } from './ranks.js';

/** A victim that refreshes when it is due, and a thief that holds the parent of its token. Spans are ticks. */
export interface ParentThiefBounds {
  /** G. */
  readonly grace: number;
  /** Spans from one refresh of the victim to the next. */
  readonly due: readonly number[];
  readonly rules?: Partial<RotationRules>;
}

export interface ParentThiefResult {
  readonly states: number;
  /** The most refreshes of the victim after which the thief still got something; Infinity: it gets something for ever. */
  readonly survived: number;
}

interface State {
  readonly row: Row;
  readonly token: RefreshTokenPosition;
  readonly stolen: RefreshTokenPosition;
  /** Ticks until the victim's next refresh. */
  readonly dueIn: number;
  readonly refreshes: number;
  /** Refreshes of the victim before the thief's last success. */
  readonly survived: number;
}

const FOR_EVER = 12;

/**
 * Property P4b: the thief presents the stolen parent, and nothing else, at any set of instants (all the time, only when the victim is due,
 * anything in between); the victim stores what it gets and refreshes when it is due. The present instant is always 0.
 */
export function searchParentThief(bounds: ParentThiefBounds): ParentThiefResult {
  const rules = rulesWithGrace(bounds.grace, bounds.rules);
  const states = closure(
    beginnings(bounds),
    (state) => [...ticked(state, bounds), ...refreshed(state, bounds, rules), ...stealing(state, rules)],
    normal,
  );
  const survived = Math.max(...states.map((state) => state.survived));
  return { states: states.length, survived: survived >= FOR_EVER ? Infinity : survived };
}

/** The victim rotated some time ago, and the thief got hold of the parent since. */
function beginnings({ grace, due }: ParentThiefBounds): State[] {
  return due.flatMap((span) =>
    Array.from({ length: span + 1 }, (_, age) => ({
      row: { generation: 0, branch: 0, parentBranch: 0, rotatedAt: -Math.min(age, 2 * grace), revoked: false },
      token: { generation: 0, branch: 0 },
      stolen: { generation: -1, branch: 0 },
      dueIn: span - age,
      refreshes: 0,
      survived: 0,
    })),
  );
}

function ticked(state: State, { grace }: ParentThiefBounds): State[] {
  if (state.dueIn === 0) return [];
  return [{ ...state, dueIn: state.dueIn - 1, row: { ...state.row, rotatedAt: Math.max(state.row.rotatedAt - 1, -2 * grace) } }];
}

function refreshed(state: State, { due }: ParentThiefBounds, rules: RotationRules): State[] {
  if (state.dueIn > 0 || state.refreshes === FOR_EVER) return [];
  const { row, handed } = present(state.row, state.token, 0, rules);
  if (row.revoked) return [];
  return due.map((dueIn) => ({ ...state, row, token: handed ?? state.token, dueIn, refreshes: state.refreshes + 1 }));
}

function stealing(state: State, rules: RotationRules): State[] {
  const { row } = present(state.row, state.stolen, 0, rules);
  return row.revoked ? [] : [{ ...state, row, survived: state.refreshes }];
}

function normal(state: State): State {
  const { row } = state;
  const stolen = state.stolen.generation < row.generation - 2 ? { generation: row.generation - 2, branch: 0 } : state.stolen;
  const ranks = new Ranks(row.generation, [row, parentOf(row), state.token, stolen]);
  return {
    ...state,
    row: { ...row, ...ranks.of(row), parentBranch: row.parentBranch < 0 ? -1 : ranks.of(parentOf(row)).branch },
    token: ranks.of(state.token),
    stolen: ranks.of(stolen),
  };
}
