import type { EventSubscriber } from './event-subscriber.js';

/** An operation that takes time. */
export type TracedOperation = 'refresh' | 'verify';

/** A traced operation of one module instance. */
export interface TracedWork<T> {
  readonly operation: TracedOperation;
  readonly work: () => Promise<T>;
  /** Names what the operation has led to, by one of a few constant texts. */
  readonly outcomeOf: (result: T) => string | undefined;
}

/** What is measured of one module instance. */
export interface Telemetry extends EventSubscriber {
  /** Does the work, and records how long it took and how it ended. */
  trace<T>(work: TracedWork<T>): Promise<T>;
  /**
   * Records the revocation lag whenever metrics are collected.
   * @param lagMs returns milliseconds, or null if there is nothing to record.
   * @returns a function that stops it.
   */
  observeLag(lagMs: () => number | null): () => void;
}
