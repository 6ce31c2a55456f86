import { Logger } from '@nestjs/common';
import type { SessionEvent } from '../session/session-listener.js';
import { SessionListener } from '../session/session-listener.js';

/** Events that an operator should see without any configuration. */
const WORTH_A_WARNING: ReadonlySet<SessionEvent['type']> = new Set(['reuse', 'healed', 'user-rejected']);

/** Passes events to the log and to the application's `onEvent` listener. Neither of them can disturb a refresh. */
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

/** One line for the log. The subject is text of the application. Written as JSON, it cannot start a new line. */
function describe(event: SessionEvent): string {
  const subject = 'subject' in event ? ` subject=${JSON.stringify(event.subject)}` : '';
  const session = 'sessionId' in event ? ` session=${event.sessionId}` : '';
  return `session ${event.type}: realm=${event.realm}${session}${subject}`;
}
