import type { RevokeReason, SessionEvent, TokenErrorCode, TokenEvent, TokenEvents } from 'nestjs-token';
import type { Observable } from 'rxjs';
import type { Equal } from './equal.js';
import { holds } from './equal.js';

// A switch on `type` knows the members of each event.
export function about(event: TokenEvent): string | readonly string[] | undefined {
  switch (event.type) {
    case 'reuse':
    case 'rotated':
      return event.subject;
    case 'all-revoked':
      return event.sessionIds;
    case 'key-retired':
      return event.kid;
    case 'access-rejected':
      holds<Equal<typeof event.code, TokenErrorCode>>();
      // @ts-expect-error a refusal names no subject
      return event.subject;
    case 'store-unavailable':
      // @ts-expect-error an outage has no session
      return event.sessionId;
    default:
      return undefined;
  }
}

// The events of sessions are a part of all events.
export const all = (event: SessionEvent): TokenEvent => event;
export const reason = (event: Extract<SessionEvent, { type: 'revoked' }>): RevokeReason => event.reason;
// @ts-expect-error not every event is about a session
export const sessions = (event: TokenEvent): SessionEvent => event;

export const observable = (events: TokenEvents): Observable<TokenEvent> => events;
