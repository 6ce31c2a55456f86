import { Logger } from '@nestjs/common';
import type { RejectionEvent, TokenEvent } from '../session/session-listener.js';
import type { EventSubscriber } from './event-subscriber.js';
import { QuietLog } from './quiet-log.js';

/** Events that an operator should see without any configuration. */
const WORTH_A_WARNING: ReadonlySet<TokenEvent['type']> = new Set(['reuse', 'healed', 'user-rejected', 'csrf-rejected', 'access-rejected']);
/** The codes of `access-rejected` that no client of ours causes: somebody tries tokens out, or two systems are mixed up. */
const SUSPICIOUS: ReadonlySet<string> = new Set([
  'token_malformed',
  'token_invalid',
  'token_type_mismatch',
  'token_too_large',
  'refresh_invalid',
]);

/** Writes what an operator should see into the log: one line for each event, and a bounded number of lines about refused requests. */
export class EventLog implements EventSubscriber {
  private readonly logger = new Logger('TokenModule');
  private readonly quiet = new QuietLog();

  wants(type: TokenEvent['type']): boolean {
    return WORTH_A_WARNING.has(type);
  }

  on(event: TokenEvent): void {
    if ('code' in event) this.warnOfRejection(event);
    else this.logger.warn(describe(event));
  }

  /** Anyone can cause rejections, as many as they like. */
  private warnOfRejection(event: RejectionEvent): void {
    if (event.type === 'access-rejected' && !SUSPICIOUS.has(event.code)) return;
    const line = `request refused: realm=${event.realm} code=${event.code}${sessionOf(event)}`;
    this.quiet.report(event.code, (omitted) => this.logger.warn(`${line}${omitted}`));
  }
}

/** One line for the log. The subject is text of the application. Written as JSON, it cannot start a new line. */
function describe(event: TokenEvent): string {
  const subject = 'subject' in event ? ` subject=${JSON.stringify(event.subject)}` : '';
  return `session ${event.type}: realm=${event.realm}${sessionOf(event)}${subject}`;
}

function sessionOf(event: TokenEvent): string {
  return 'sessionId' in event ? ` session=${event.sessionId}` : '';
}
