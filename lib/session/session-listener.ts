import type { RotationOutcome } from './rotation.js';
import type { RevokeReason } from './token-session.js';

/** Something that happened to a session. It contains ids only, never a token. */
export type SessionEvent = {
  /** Name of the module instance. */
  readonly realm: string;
  /** Epoch milliseconds. If the store was asked, the instant is by its clock, otherwise by the clock of this node. */
  readonly at: number;
} & (
  | {
      readonly type:
        'signed-in' | 'exchanged' | 'reauthenticated' | 'access-revoked' | RotationOutcome | 'reuse' | 'limited' | 'user-rejected';
      readonly sessionId: string;
      readonly subject: string;
    }
  | { readonly type: 'revoked'; readonly sessionId: string; readonly reason: RevokeReason }
  | { readonly type: 'all-revoked'; readonly subject: string; readonly reason: RevokeReason; readonly sessionIds: readonly string[] }
);

/**
 * Port: receives the events of sessions. The default writes the log and calls the `onEvent` option. Replace it with
 * `overrideProvider(SessionListener)`.
 */
export abstract class SessionListener {
  /** Receives an event. It must neither throw nor wait, because a refresh is under way. */
  abstract on(event: SessionEvent): void;
}
