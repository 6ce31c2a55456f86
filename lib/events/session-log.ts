import { Logger } from '@nestjs/common';
import type { RotationOutcome } from '../session/rotation.js';
import type { RevokeReason } from '../session/token-session.js';

/** Something that happened to a session. Holds ids only, never a token. */
export type SessionEvent = {
  /** Name of the module instance. */
  readonly realm: string;
  /** Instant by the store's clock where the store was asked, else by the node's; epoch milliseconds. */
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

/** Events that an operator wants to see without having asked. */
const WORTH_A_WARNING: ReadonlySet<SessionEvent['type']> = new Set(['reuse', 'healed', 'user-rejected']);

/** Tells the log and the application's listener; neither can disturb a refresh. */
export class SessionEvents {
  private readonly logger = new Logger('TokenModule');

  /** @param listener the `onEvent` option. */
  constructor(private readonly listener?: (event: SessionEvent) => unknown) {}

  emit(event: SessionEvent): void {
    if (WORTH_A_WARNING.has(event.type)) this.logger.warn(describe(event));
    if (this.listener) void this.tell(this.listener, event);
  }

  private async tell(listener: (event: SessionEvent) => unknown, event: SessionEvent): Promise<void> {
    try {
      await listener(event);
    } catch {
      this.logger.error('the onEvent listener failed');
    }
  }
}

/** One line. The subject is the application's text: as JSON it cannot break out of the line. */
function describe(event: SessionEvent): string {
  const subject = 'subject' in event ? ` subject=${JSON.stringify(event.subject)}` : '';
  const session = 'sessionId' in event ? ` session=${event.sessionId}` : '';
  return `session ${event.type}: realm=${event.realm}${session}${subject}`;
}
