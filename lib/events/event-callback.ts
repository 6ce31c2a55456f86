import { Logger } from '@nestjs/common';
import type { TokenEvent } from '../session/session-listener.js';
import type { EventSubscriber } from './event-subscriber.js';
import { callGuarded } from './guarded-call.js';
import { QuietLog } from './quiet-log.js';

/** Passes events to the application's `onEvent` listener, which can neither disturb nor delay a request. */
export class EventCallback implements EventSubscriber {
  private readonly logger = new Logger('TokenModule');
  private readonly quiet = new QuietLog();

  /** @param listener the `onEvent` option. */
  constructor(private readonly listener?: (event: TokenEvent) => unknown) {}

  wants(): boolean {
    return this.listener !== undefined;
  }

  on(event: TokenEvent): void {
    if (this.listener) callGuarded(this.listener, event, () => this.fail());
  }

  /** Anyone can cause events, and so failures. */
  private fail(): void {
    this.quiet.report('onEvent', (omitted) => this.logger.error(`the onEvent listener failed${omitted}`));
  }
}
