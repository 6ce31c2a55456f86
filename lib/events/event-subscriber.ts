import type { TokenEvent } from '../session/session-listener.js';

/** One of those who are told about events. */
export interface EventSubscriber {
  /** Tells whether it wants events of this type at present. It is asked before each event, so it must be fast. */
  wants(type: TokenEvent['type']): boolean;
  /** Receives an event of a type that it wants. It neither throws nor waits. */
  on(event: TokenEvent): void;
}
