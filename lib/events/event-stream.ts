import type { OnApplicationShutdown } from '@nestjs/common';
import type { Subscriber } from 'rxjs';
import type { TokenEvent } from '../session/session-listener.js';
import type { EventSubscriber } from './event-subscriber.js';
import { TokenEvents } from './token-events.js';

/** Passes events to the subscribers of {@link TokenEvents}. */
export class EventStream implements EventSubscriber, OnApplicationShutdown {
  private readonly subscribers = new Set<Subscriber<TokenEvent>>();

  readonly events = new TokenEvents((subscriber) => {
    this.subscribers.add(subscriber);
    return () => this.subscribers.delete(subscriber);
  });

  wants(): boolean {
    return this.subscribers.size > 0;
  }

  on(event: TokenEvent): void {
    // Subscribing and unsubscribing while an event is passed on concerns the next one.
    for (const subscriber of [...this.subscribers]) subscriber.next(event);
  }

  onApplicationShutdown(): void {
    for (const subscriber of [...this.subscribers]) subscriber.complete();
  }
}
