import { isSessionId } from '../access-token/access-token.claims.js';
import type { SessionPage, SessionSummary, TokenSession } from './token-session.js';
import { sessionInfoOf } from './token-session.js';

/** Says which part of a subject's sessions to list. */
export interface SessionListOptions {
  /** Maximum number of sessions. From 1 to 1000. @defaultValue 100 */
  limit?: number;
  /** The last session of the page before. The list goes on after it. @defaultValue the list begins with the session used last */
  after?: Pick<SessionSummary, 'sessionId' | 'lastUsedAt'> | undefined;
}

/** Returns what a list shows of a session. */
export function summaryOf(session: TokenSession): SessionSummary {
  const { createdAt, lastUsedAt, idleExpiresAt, absoluteExpiresAt, label, ip, userAgent, data } = session;
  const expiresAt = Math.min(idleExpiresAt, absoluteExpiresAt);
  return { ...sessionInfoOf(session), sessionId: session.id, createdAt, lastUsedAt, expiresAt, label, ip, userAgent, data };
}

const LONGEST_PAGE = 1_000;

/**
 * Checks which part of a list is wanted.
 * @throws {TypeError} on a limit out of range, or an `after` that is no session of a page.
 */
export function pageOf({ limit = 100, after }: SessionListOptions): SessionPage {
  if (!Number.isInteger(limit) || limit < 1 || limit > LONGEST_PAGE)
    throw new TypeError(`limit: not a whole number from 1 to ${LONGEST_PAGE}`);
  if (after === undefined) return { limit };
  const { sessionId, lastUsedAt } = Object(after) as Partial<SessionSummary>;
  if (!isSessionId(sessionId) || !Number.isSafeInteger(lastUsedAt)) throw new TypeError('after: not a session of a page');
  return { limit, after: { id: sessionId, lastUsedAt: Number(lastUsedAt) } };
}
