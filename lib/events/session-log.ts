import { Logger } from '@nestjs/common';
import type { SessionEvent } from '../session/session-listener.js';
import { SessionListener } from '../session/session-listener.js';

/** Events that an operator wants to see without having asked for them. */
const WORTH_A_WARNING: ReadonlySet<SessionEvent['type']> = new Set(['reuse', 'healed', 'user-rejected']);

/** Tells the log and the application's `onEvent` listener. Neither of them can disturb a refresh. */
export class SessionLog extends SessionListener {
  private readonly logger = new Logger('TokenModule');

  /** @param listener the `onEvent` option. */
  constructor(private readonly listener?: (event: SessionEvent) => unknown) {
    super();
  }

  override on(event: SessionEvent): void {
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

/** One line. The subject is a text of the application: written as JSON, it cannot break out of the line. */
function describe(event: SessionEvent): string {
  const subject = 'subject' in event ? ` subject=${JSON.stringify(event.subject)}` : '';
  const session = 'sessionId' in event ? ` session=${event.sessionId}` : '';
  return `session ${event.type}: realm=${event.realm}${session}${subject}`;
}
