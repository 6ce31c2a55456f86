import { Logger } from '@nestjs/common';
import type { RejectionEvent, TokenEvent } from '../session/session-listener.js';
import type { EventSubscriber } from './event-subscriber.js';

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
/** There is at most one line for each code of a rejection in this time, in milliseconds, however many requests are refused. */
const QUIET_MS = 60_000;

/** What has been left out of the log. */
interface Silence {
  until: number;
  omitted: number;
}

/** Writes what an operator should see into the log: one line for each event, and a bounded number of lines about refused requests. */
export class EventLog implements EventSubscriber {
  private readonly logger = new Logger('TokenModule');
  private readonly silences = new Map<string, Silence>();

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
    const now = performance.now();
    const silence = this.silences.get(event.code);
    if (silence && now < silence.until) {
      silence.omitted++;
      return;
    }
    const omitted = silence && silence.omitted > 0 ? `, and ${silence.omitted} more since the last line` : '';
    this.silences.set(event.code, { until: now + QUIET_MS, omitted: 0 });
    this.logger.warn(`request refused: realm=${event.realm} code=${event.code}${sessionOf(event)}${omitted}`);
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
