/*
 * What rotation.md §3 says, once more: written from the text, for the tests, and importing nothing of the library. One presentation after the
 * other; what may happen when several meet is that one of their orders has happened.
 */

/** Spans are milliseconds. */
export interface ModelRules {
  readonly grace: number;
  readonly idle: number;
  readonly absolute: number;
  readonly strict: boolean;
  readonly recoverLost: 'always' | 'grace';
  readonly limit: { readonly max: number; readonly per: number } | null;
}

export interface ModelToken {
  /** Id of the session. */
  readonly session: string;
  /** Generation. */
  readonly x: number;
  /** Branch. */
  readonly y: number;
}

export interface ModelRow {
  readonly subject: string;
  readonly generation: number;
  readonly branch: number;
  readonly parentBranch: number;
  readonly rotatedAt: number;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  readonly idleExpiresAt: number;
  readonly absoluteExpiresAt: number;
  readonly revokedAt: number | null;
  readonly revokeReason: string | null;
  readonly windowCount: number;
  readonly windowStartedAt: number;
}

/** What the caller gets. `handed`: position of the refresh token on the answer, null where there is none. */
export type ModelAnswer =
  | { readonly outcome: 'rotated' | 'kept' | 'coalesced' | 'recovered' | 'healed'; readonly handed: readonly [x: number, y: number] | null }
  | { readonly refused: string; readonly retryAfter?: number };

export type ModelRows = ReadonlyMap<string, ModelRow>;

export function signedIn(subject: string, now: number, rules: ModelRules): ModelRow {
  return {
    subject,
    generation: 0,
    branch: 0,
    parentBranch: -1,
    rotatedAt: 0,
    createdAt: now,
    lastUsedAt: now,
    idleExpiresAt: now + rules.idle,
    absoluteExpiresAt: now + rules.absolute,
    revokedAt: null,
    revokeReason: null,
    windowCount: 0,
    windowStartedAt: 0,
  };
}

/** The answer to a presentation, and the rows after it. */
export function presented(rows: ModelRows, token: ModelToken, now: number, rules: ModelRules): { answer: ModelAnswer; rows: ModelRows } {
  const r = rows.get(token.session);
  if (!r) return { answer: { refused: 'session_not_found' }, rows };
  const { answer, changes } = verdict(r, token, now, rules);
  return { answer, rows: changes ? new Map(rows).set(token.session, { ...r, ...changes }) : rows };
}

interface Verdict {
  readonly answer: ModelAnswer;
  readonly changes?: Partial<ModelRow>;
}

function verdict(r: ModelRow, { x, y }: ModelToken, now: number, rules: ModelRules): Verdict {
  const G = rules.grace;
  if (r.revokedAt !== null) return { answer: { refused: 'session_revoked' } };
  if (!(r.absoluteExpiresAt > now && r.idleExpiresAt > now)) return { answer: { refused: 'refresh_expired' } };
  const renewed = { rotatedAt: now, lastUsedAt: now, idleExpiresAt: now + rules.idle };
  const isCurrent = x === r.generation && y <= r.branch;
  const isParent = x === r.generation - 1 && !rules.strict;

  if (isCurrent && !rules.strict && now - r.rotatedAt < 2 * G) {
    const confirms = r.branch > 0 && r.parentBranch >= 0;
    return { answer: { outcome: 'kept', handed: null }, ...(confirms && { changes: { parentBranch: -1, rotatedAt: now } }) };
  }
  if (isCurrent) {
    const { limit } = rules;
    const windowIsOver = limit !== null && r.windowStartedAt + limit.per <= now;
    if (limit && !windowIsOver && r.windowCount >= limit.max) {
      return { answer: { refused: 'refresh_limited', retryAfter: Math.ceil((r.windowStartedAt + limit.per - now) / 1_000) } };
    }
    const counted = windowIsOver ? { windowCount: 1, windowStartedAt: now } : { windowCount: r.windowCount + 1 };
    const changes = { ...renewed, ...(limit && counted), generation: x + 1, branch: 0, parentBranch: y };
    return { answer: { outcome: 'rotated', handed: [x + 1, 0] }, changes };
  }
  if (isParent && now - r.rotatedAt < G) return { answer: { outcome: 'coalesced', handed: [r.generation, r.branch] } };
  if (isParent && y === r.parentBranch && rules.recoverLost === 'always') {
    const idle = { lastUsedAt: now, idleExpiresAt: now + rules.idle };
    if (r.branch === 255) return { answer: { outcome: 'recovered', handed: [r.generation, 255] }, changes: idle };
    return { answer: { outcome: 'recovered', handed: [r.generation, r.branch + 1] }, changes: { ...renewed, branch: r.branch + 1 } };
  }
  if (x > r.generation || (x === r.generation && y > r.branch)) {
    return { answer: { outcome: 'healed', handed: [x + 1, 0] }, changes: { ...renewed, generation: x + 1, branch: 0, parentBranch: y } };
  }
  return { answer: { refused: 'refresh_reused' }, changes: { revokedAt: now, revokeReason: 'reuse' } };
}

/** Ends the sessions that a test picks; the first reason and instant stay. */
export function revoked(rows: ModelRows, now: number, reason: string, picks: (row: ModelRow, id: string) => boolean): ModelRows {
  return new Map(
    [...rows].map(([id, row]) => [id, row.revokedAt === null && picks(row, id) ? { ...row, revokedAt: now, revokeReason: reason } : row]),
  );
}

/** Deletes what the janitor deletes. */
export function purged(rows: ModelRows, now: number): ModelRows {
  return new Map([...rows].filter(([, row]) => row.absoluteExpiresAt > now));
}

/** Every order of some things. */
export function* orders<T>(things: readonly T[]): Generator<T[]> {
  if (things.length === 0) yield [];
  for (const [index, first] of things.entries()) {
    for (const rest of orders([...things.slice(0, index), ...things.slice(index + 1)])) yield [first, ...rest];
  }
}
