import type { RotationOutcome } from './rotation.js';
import type { RevokeReason } from './token-session.js';

/** Something that happened to a session. It holds ids only, never a token. */
export type SessionEvent = {
  /** Name of the module instance. */
  readonly realm: string;
  /** Epoch milliseconds: by the clock of the store where the store was asked, otherwise by the clock of this node. */
  readonly at: number;
} & (
  | {
      readonly type: 'signed-in' | RotationOutcome | 'reuse' | 'limited' | 'user-rejected';
      readonly sessionId: string;
      readonly subject: string;
    }
  | { readonly type: 'revoked'; readonly sessionId: string; readonly reason: RevokeReason }
  | { readonly type: 'all-revoked'; readonly subject: string; readonly reason: RevokeReason; readonly sessionIds: readonly string[] }
);

/**
 * Port: is told what happens to sessions. The default writes the log and calls the `onEvent` option. Replace it with
 * `overrideProvider(SessionListener)`.
 */
export abstract class SessionListener {
  /** Is told of an event. It must neither throw nor wait: a refresh is under way. */
  abstract on(event: SessionEvent): void;
}
