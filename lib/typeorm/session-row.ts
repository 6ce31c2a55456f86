import type { SessionSnapshot, TokenSession } from '../session/token-session.js';

/** A raw row, as the driver gives it. */
export type Row = Readonly<Record<string, unknown>>;

/** The ids in the rows, in their order. */
export function idsOf(rows: readonly Row[]): string[] {
  return rows.map(({ id }) => String(id));
}

/** The session of a raw row, whatever the driver makes of 64-bit integers and JSON. */
export function snapshotOf(row: Row): SessionSnapshot {
  const { readAt, ...columns } = row;
  const session: Record<string, unknown> = columns;
  session['claims'] = parsed(row['claims']);
  session['data'] = parsed(row['data']);
  for (const name of LONG_NUMBERS) if (session[name] !== null) session[name] = Number(session[name]);
  return { session: session as unknown as TokenSession, at: Number(readAt) };
}

const LONG_NUMBERS = [
  'rotatedAt',
  'createdAt',
  'lastUsedAt',
  'idleExpiresAt',
  'absoluteExpiresAt',
  'revokedAt',
  'windowStartedAt',
  'authTime',
  'ownIdleMs',
] as const satisfies readonly (keyof TokenSession)[];

function parsed(json: unknown): unknown {
  return typeof json === 'string' ? JSON.parse(json) : json;
}
