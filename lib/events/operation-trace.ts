import type { TracingChannel } from 'node:diagnostics_channel';
import { tracingChannel } from 'node:diagnostics_channel';
import { CHANNEL_PREFIX } from './event-channels.js';
import type { Telemetry, TracedOperation, TracedWork } from './telemetry.js';

/** What the subscribers of a tracing channel get. Node adds `result`, which is the outcome, and `error`. */
export interface TraceContext {
  /** Name of the module instance. */
  readonly realm: string;
}

/** What a trace is about, and who measures it. */
export interface TraceSettings<T> {
  readonly operation: TracedOperation;
  /** Name of the instance. */
  readonly name: string;
  /** Names what the operation has led to, by one of a few constant texts. */
  readonly outcomeOf: (result: T) => string | undefined;
  readonly telemetry: Telemetry | null;
}

/**
 * Observes one kind of operation of an instance, on a tracing channel of `node:diagnostics_channel` such as `nestjs-token:refresh`, and for
 * OpenTelemetry. If nobody wants to know, the work is done and nothing else.
 */
export class OperationTrace<T> {
  private readonly channel: TracingChannel<TraceContext, TraceContext>;

  constructor(private readonly settings: TraceSettings<T>) {
    this.channel = tracingChannel(`${CHANNEL_PREFIX}${settings.operation}`);
  }

  /** Does the work, and settles as it does. */
  readonly around = (work: () => Promise<T>): Promise<T> => {
    const { telemetry, operation, outcomeOf } = this.settings;
    const measured: TracedWork<T> = { operation, work, outcomeOf };
    if (!this.channel.hasSubscribers) return telemetry ? telemetry.trace(measured) : work();
    return this.publish(telemetry ? () => telemetry.trace(measured) : work);
  };

  /** Subscribers get the outcome in place of the result, because the result contains tokens. */
  private async publish(work: () => Promise<T>): Promise<T> {
    const { name, outcomeOf } = this.settings;
    const results: T[] = [];
    await this.channel.tracePromise(
      async () => {
        const result = await work();
        results.push(result);
        return outcomeOf(result);
      },
      { realm: name },
    );
    const [result] = results;
    return result as T;
  }
}
