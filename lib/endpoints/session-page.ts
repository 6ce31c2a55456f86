import { isSessionId } from '../access-token/access-token.claims.js';
import type { SessionListOptions } from '../session/session-list.js';
import type { SessionSummary } from '../session/token-session.js';

/** A session as its user sees it. Instants are epoch milliseconds. What the application has stored with a session is not shown. */
export interface ListedSession {
  readonly id: string;
  readonly label: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly createdAt: number;
  readonly lastUsedAt: number;
  readonly expiresAt: number;
  /** Whether it is the session of the request. */
  readonly current: boolean;
}

/** A page of the list of sessions. */
export interface SessionList {
  readonly sessions: readonly ListedSession[];
  /** What the parameter `after` of the next page is. Absent on the last page. */
  readonly next?: string;
}

/** Returns what the user sees of a session. */
export function listed(session: SessionSummary, currentId: string | undefined): ListedSession {
  const { sessionId: id, label, ip, userAgent, createdAt, lastUsedAt, expiresAt } = session;
  return { id, label, ip, userAgent, createdAt, lastUsedAt, expiresAt, current: id === currentId };
}

/** Returns the text that stands for the end of a page. */
export function cursorOf({ lastUsedAt, sessionId }: SessionSummary): string {
  return `${lastUsedAt}_${sessionId}`;
}

const LIMIT = /^[1-9]\d{0,3}$/;
const STANDARD_LIMIT = 100;
const LARGEST_LIMIT = 1_000;
const CURSOR = /^(\d{1,15})_([^_]+)$/;

/** Reads `limit` and `after` of a query. Returns null if they do not stand for a page. */
export function pageIn(query: unknown): (SessionListOptions & { readonly limit: number }) | null {
  const { limit = String(STANDARD_LIMIT), after } = Object(query) as { limit?: unknown; after?: unknown };
  if (typeof limit !== 'string' || !LIMIT.test(limit) || Number(limit) > LARGEST_LIMIT) return null;
  if (after === undefined) return { limit: Number(limit) };
  const [, lastUsedAt, sessionId] = typeof after === 'string' ? (CURSOR.exec(after) ?? []) : [];
  return isSessionId(sessionId) ? { limit: Number(limit), after: { sessionId, lastUsedAt: Number(lastUsedAt) } } : null;
}
