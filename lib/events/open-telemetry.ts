import type * as OpenTelemetryApi from '@opentelemetry/api';
import type { Attributes, Counter, Histogram, Meter, ObservableResult, Span, Tracer } from '@opentelemetry/api';
import { TokenError } from '../errors/token.errors.js';
import type { TokenEvent } from '../session/session-listener.js';
import type { Telemetry, TracedWork } from './telemetry.js';

/** The name under which spans and instruments are recorded. */
const SCOPE = 'nestjs-token';
/** The boundaries in seconds that OpenTelemetry recommends for the durations of requests. */
const BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/**
 * Records spans and metrics through the API of OpenTelemetry. All attributes have one of a few constant values, so their number does not
 * grow with the number of users. None is the id of a session or a subject.
 */
export class OpenTelemetry implements Telemetry {
  private readonly tracer: Tracer;
  private readonly meter: Meter;
  private readonly durations: Histogram;
  private readonly events: Counter;
  private readonly rejections: Counter;
  private readonly own: Attributes;

  constructor(
    name: string,
    private readonly api: Pick<typeof OpenTelemetryApi, 'metrics' | 'trace' | 'SpanStatusCode'>,
  ) {
    this.own = { 'nestjs_token.instance': name };
    this.tracer = api.trace.getTracer(SCOPE);
    this.meter = api.metrics.getMeter(SCOPE);
    const advice = { explicitBucketBoundaries: BOUNDARIES };
    this.durations = this.meter.createHistogram('nestjs_token.refresh.duration', {
      description: 'How long refreshes take.',
      unit: 's',
      advice,
    });
    this.events = this.meter.createCounter('nestjs_token.events', { description: 'Events by their type.', unit: '{event}' });
    this.rejections = this.meter.createCounter('nestjs_token.rejections', {
      description: 'Refused requests by the code of the error.',
      unit: '{request}',
    });
  }

  wants(): boolean {
    return true;
  }

  on(event: TokenEvent): void {
    if ('code' in event) this.rejections.add(1, { ...this.own, 'error.type': event.code });
    else {
      const reason = 'reason' in event && { 'nestjs_token.revoke.reason': event.reason };
      this.events.add(1, { ...this.own, 'nestjs_token.event.type': event.type, ...reason });
    }
  }

  trace<T>({ operation, work, outcomeOf }: TracedWork<T>): Promise<T> {
    return this.tracer.startActiveSpan(`nestjs_token.${operation}`, async (span) => {
      const startedAt = performance.now();
      const ended: Attributes = { ...this.own };
      try {
        const result = await work();
        const outcome = outcomeOf(result);
        if (outcome !== undefined) ended['nestjs_token.refresh.outcome'] = outcome;
        return result;
      } catch (error) {
        ended['error.type'] = error instanceof TokenError ? error.errorCode : '_OTHER';
        this.markFault(span, error);
        throw error;
      } finally {
        span.setAttributes(ended).end();
        if (operation === 'refresh') this.durations.record((performance.now() - startedAt) / 1_000, ended);
      }
    });
  }

  observeLag(lagMs: () => number | null): () => void {
    const gauge = this.meter.createObservableGauge('nestjs_token.revocation.lag', {
      description: 'Time since the last successful poll for revocations began.',
      unit: 's',
    });
    const observe = (result: ObservableResult): void => {
      const lag = lagMs();
      if (lag !== null) result.observe(lag / 1_000, this.own);
    };
    gauge.addCallback(observe);
    return () => gauge.removeCallback(observe);
  }

  /** A refusal is the right result of a request with bad tokens, and no error of this service. */
  private markFault(span: Span, error: unknown): void {
    const isRefusal = error instanceof TokenError && error.getStatus() < 500;
    if (!isRefusal) span.setStatus({ code: this.api.SpanStatusCode.ERROR });
  }
}
