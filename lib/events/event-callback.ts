import { Logger } from '@nestjs/common';
import type { TokenEvent } from '../session/session-listener.js';
import type { EventSubscriber } from './event-subscriber.js';
import { callGuarded } from './guarded-call.js';

/** Passes events to the application's `onEvent` listener, which can neither disturb nor delay a request. */
export class EventCallback implements EventSubscriber {
  private readonly logger = new Logger('TokenModule');

  /** @param listener the `onEvent` option. */
  constructor(private readonly listener?: (event: TokenEvent) => unknown) {}

  wants(): boolean {
    return this.listener !== undefined;
  }

  on(event: TokenEvent): void {
    if (this.listener) callGuarded(this.listener, event, () => this.logger.error('the onEvent listener failed'));
  }
}
