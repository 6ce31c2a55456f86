import type { TokenEvent } from '../session/session-listener.js';
import { SessionListener } from '../session/session-listener.js';
import type { EventSubscriber } from './event-subscriber.js';

/** Passes each event to those who want it. If nobody does, the event is not even made. */
export class EventRelay extends SessionListener {
  constructor(private readonly subscribers: readonly EventSubscriber[]) {
    super();
  }

  override wants(type: TokenEvent['type']): boolean {
    return this.subscribers.some((subscriber) => subscriber.wants(type));
  }

  override on(event: TokenEvent): void {
    // One event goes to all subscribers, so none of them may change it.
    Object.freeze(event);
    for (const subscriber of this.subscribers) if (subscriber.wants(event.type)) subscriber.on(event);
  }
}
