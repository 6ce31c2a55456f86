import type { RotationRules } from '../support/lib.js';
import type { RefreshTokenPosition } from 'nestjs-token';
import { present, rulesWithGrace, type Row } from './decided-store.js';
import { isHigher, parentOf, Ranks } from './ranks.js';

/** Bounds of one search. Spans are ticks. */
export interface ScheduleBounds {
  /** G. */
  readonly grace: number;
  /** D: a request reaches the database this long after it was sent, at the latest, or never. */
  readonly toDatabase: number;
  /** L: its answer reaches the token store this long after that, at the latest, or never. */
  readonly toStore: number;
  readonly sends: number;
  readonly inFlight: number;
  /** max: the store never goes back to a lower position, as our client; last: it takes what comes, as a cookie jar. */
  readonly store: 'max' | 'last';
  readonly rules?: Partial<RotationRules>;
}

export interface ScheduleResult {
  readonly states: number;
  /** Presentations that were refused, over all states. */
  readonly refusals: number;
}

/** A request (`answer` false: with the token that it carries) or an answer (with the token that it brings). Age in ticks. */
interface Message extends RefreshTokenPosition {
  readonly answer: boolean;
  readonly age: number;
}

interface State {
  readonly row: Row;
  readonly store: RefreshTokenPosition;
  readonly messages: readonly Message[];
}

/**
 * Property P3: every schedule of sends, arrivals, losses, deliveries and passing ticks over one shared token store, within bounds.
 *
 * The present instant is always 0: a tick makes everything older. Generations count from the row's, which is always 0; ages beyond 2·G
 * are all the same; messages have no order. That makes schedules with the same future the same state, which is visited once, with the
 * fewest sends that reach it. A request that never arrives is left out: nothing notices it.
 */
export function searchSchedules(bounds: ScheduleBounds): ScheduleResult {
  const rules = rulesWithGrace(bounds.grace, bounds.rules);
  const seen = new Set<string>();
  const start: State = {
    row: { generation: 0, branch: 0, parentBranch: -1, rotatedAt: -2 * bounds.grace, revoked: false },
    store: { generation: 0, branch: 0 },
    messages: [],
  };
  let refusals = 0;
  let level: State[] = [start];
  seen.add(keyOf(start));
  for (let sent = 0; sent <= bounds.sends && level.length > 0; sent += 1) {
    const next: State[] = [];
    const visit = (into: State[], state: State): void => {
      const key = keyOf(state);
      if (seen.has(key)) return;
      seen.add(key);
      into.push(state);
    };
    // The level grows while it is walked: every move but a send stays in it.
    for (let index = 0; index < level.length; index += 1) {
      const state = level[index]!;
      refusals += arrivals(state, bounds, rules, (successor) => visit(level, successor));
      for (const successor of deliveries(state, bounds)) visit(level, successor);
      const later = tick(state, bounds);
      if (later) visit(level, later);
      if (sent < bounds.sends && state.messages.length < bounds.inFlight) visit(next, send(state));
    }
    level = next;
  }
  return { states: seen.size, refusals };
}

function send({ row, store, messages }: State): State {
  return { row, store, messages: [...messages, { answer: false, age: 0, ...store }] };
}

/** Each request may arrive now; its answer is lost or under way. Returns how many were refused. */
function arrivals(state: State, bounds: ScheduleBounds, rules: RotationRules, visit: (state: State) => void): number {
  let refusals = 0;
  state.messages.forEach((message, index) => {
    if (message.answer) return;
    const { outcome, row, handed } = present(state.row, message, 0, rules);
    if (outcome === 'reuse') {
      refusals += 1;
      return;
    }
    const messages = state.messages.filter((_, other) => other !== index);
    visit(normal({ row, store: state.store, messages }, bounds));
    if (handed) visit(normal({ row, store: state.store, messages: [...messages, { answer: true, age: 0, ...handed }] }, bounds));
  });
  return refusals;
}

function deliveries(state: State, bounds: ScheduleBounds): State[] {
  return state.messages.flatMap((message, index) => {
    if (!message.answer) return [];
    const { generation, branch } = message;
    return [
      normal({ row: state.row, store: { generation, branch }, messages: state.messages.filter((_, other) => other !== index) }, bounds),
    ];
  });
}

/** One tick later, or null: a message is due now. Losing an answer needs no move of its own: it is lost on arrival. */
function tick({ row, store, messages }: State, bounds: ScheduleBounds): State | null {
  if (messages.some(({ answer, age }) => age >= (answer ? bounds.toStore : bounds.toDatabase))) return null;
  return {
    row: { ...row, rotatedAt: Math.max(row.rotatedAt - 1, -2 * bounds.grace) },
    store,
    messages: messages.map((message) => ({ ...message, age: message.age + 1 })),
  };
}

/** The same future, written the one way; an answer that the store would not take in is gone. */
function normal(state: State, bounds: ScheduleBounds): State {
  const { row, store } = state;
  const messages =
    bounds.store === 'last' ? state.messages : state.messages.filter((message) => !message.answer || isHigher(message, store));
  const ranks = new Ranks(row.generation, [row, parentOf(row), store, ...messages]);
  return {
    row: { ...row, ...ranks.of(row), parentBranch: row.parentBranch < 0 ? -1 : ranks.of(parentOf(row)).branch },
    store: ranks.of(store),
    messages: messages.map((message) => ({ ...message, ...ranks.of(message) })),
  };
}

/** A state as text: states with the same text are the same. */
function keyOf({ row, store, messages }: State): string {
  const coded = messages.map(({ answer, age, generation, branch }) => (answer ? 1 : 0) | (age << 1) | (branch << 7) | (-generation << 12));
  return String.fromCharCode(
    -row.rotatedAt,
    (row.branch << 6) | (row.parentBranch + 1),
    (-store.generation << 6) | store.branch,
    ...coded.sort((a, b) => a - b),
  );
}
