import { isSessionId, requireSubject } from '../access-token/access-token.claims.js';
import type { SessionKey } from './token-session.js';

/** Says which session may be changed. */
export interface OwnerCondition {
  /** Changes the session only if it belongs to this subject. @defaultValue the session of any subject */
  subject?: string;
}

/**
 * Returns the key of a session, or null for a value that is not a session id.
 * @param realm name of the instance.
 * @throws {TypeError} if `subject` is given but undefined, or no subject. This is a mistake that must not give access to the sessions of
 * all subjects.
 */
export function ownedKeyOf(realm: string, sessionId: unknown, condition: OwnerCondition): SessionKey | null {
  if (Object.hasOwn(condition, 'subject')) requireSubject(condition.subject);
  return isSessionId(sessionId) ? { realm, id: sessionId } : null;
}
