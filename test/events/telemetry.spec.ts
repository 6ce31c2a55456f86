import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { context, metrics, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import type { MetricData } from '@opentelemetry/sdk-metrics';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { TokenModuleRootOptions, TraceContext } from 'nestjs-token';
import { RefreshService, SessionListener, TokenRepository } from 'nestjs-token';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { tracingChannel } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import type { AdapterName, TestApp } from '../support/app.js';
import { ADAPTERS, bearing, startApp } from '../support/app.js';
import { findLeaks } from '../support/leaks.js';

/** Collects metrics when a test asks. */
class TestReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

const spans = new InMemorySpanExporter();
let reader: TestReader;

/** The data points of an instrument: attributes and value. */
async function pointsOf(name: string): Promise<{ attributes: object; value: unknown }[]> {
  return ((await collected()).find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? []).map(({ attributes, value }) => ({
    attributes,
    value,
  }));
}

async function collected(): Promise<MetricData[]> {
  const { resourceMetrics } = await reader.collect();
  return resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
}

beforeAll(() => {
  // Only one may be registered, and the search for tokens in everything that is written has registered its own.
  for (const api of [context, trace, metrics]) api.disable();
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
});
afterAll(() => {
  context.disable();
  trace.disable();
});

const OWN = { 'nestjs_token.instance': 'default' };

describe.each(ADAPTERS)('Telemetry on %s', (adapter: AdapterName) => {
  let running: TestApp;
  let clock: FakeClock;
  beforeEach(() => {
    Logger.overrideLogger(false);
    clock = new FakeClock();
    spans.reset();
    reader = new TestReader();
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await running.close();
    metrics.disable();
  });
  const start = async (options: Partial<TokenModuleRootOptions> = {}): Promise<void> => {
    running = await startApp({ adapter, clock, options: { repository: InMemoryTokenRepository, telemetry: true, ...options } });
  };
  const signIn = () => running.app.get(RefreshService).signIn('alice');
  const get = (headers: Record<string, string>) => running.call('/me', { headers });

  describe('by OpenTelemetry', () => {
    it('LG-04 counts events by type, and refused requests by the code of the error', async () => {
      await start();
      const pair = await signIn();
      clock.advance('1h');
      const { headers } = await get(bearing(pair));
      await get(bearing(pair));
      await get({});
      await get({ authorization: 'Bearer x' });
      await running.app.get(RefreshService).signOut(String(headers['x-refresh-token']));
      const event = (type: string, more = {}) => ({ ...OWN, 'nestjs_token.event.type': type, ...more });
      expect(await pointsOf('nestjs_token.events')).toEqual([
        { attributes: event('signed-in'), value: 1 },
        { attributes: event('rotated'), value: 1 },
        { attributes: event('coalesced'), value: 1 },
        { attributes: event('revoked', { 'nestjs_token.revoke.reason': 'logout' }), value: 1 },
      ]);
      expect(await pointsOf('nestjs_token.rejections')).toEqual([
        { attributes: { ...OWN, 'error.type': 'token_missing' }, value: 1 },
        { attributes: { ...OWN, 'error.type': 'token_malformed' }, value: 1 },
      ]);
    });

    it('LG-04 measures refreshes by outcome, in seconds', async () => {
      await start();
      const pair = await signIn();
      clock.advance('1h');
      await get(bearing(pair));
      await get(bearing(pair));
      const { refreshToken } = await signIn();
      await running.app.get(RefreshService).revokeAll('alice');
      await get({ 'x-refresh-token': refreshToken! });
      jest.spyOn(running.app.get(TokenRepository, { strict: false }), 'rotate').mockRejectedValue(new Error('secret text'));
      expect((await get(bearing(await expiredPair()))).status).toBe(503);
      const points = await pointsOf('nestjs_token.refresh.duration');
      expect(points.map(({ attributes }) => attributes)).toEqual([
        { ...OWN, 'nestjs_token.refresh.outcome': 'rotated' },
        { ...OWN, 'nestjs_token.refresh.outcome': 'coalesced' },
        { ...OWN, 'error.type': 'store_unavailable' },
      ]);
      for (const { value } of points as { value: { count: number; sum: number; buckets: { boundaries: number[] } } }[]) {
        expect(value.count).toBe(1);
        expect(value.sum).toBeGreaterThan(0);
        expect(value.sum).toBeLessThan(5);
        expect(value.buckets.boundaries[0]).toBe(0.005);
      }
    });

    it('observes the revocation lag in seconds, as long as the application runs', async () => {
      await start();
      const [point] = await pointsOf('nestjs_token.revocation.lag');
      expect(point?.attributes).toEqual(OWN);
      expect(point?.value).toBeGreaterThan(0);
      expect(point?.value).toBeLessThan(30);
      await running.app.close();
      // The SDK repeats the last value that was observed.
      expect(await pointsOf('nestjs_token.revocation.lag')).toEqual([point]);
    });

    it('has no revocation lag where this node does not poll', async () => {
      await start({ revocation: 'strict' });
      expect(await pointsOf('nestjs_token.revocation.lag')).toEqual([]);
    });

    it('makes a span around a refresh, and one around a verification in full, within the span of the request', async () => {
      await start();
      const pair = await signIn();
      await trace.getTracer('test').startActiveSpan('request', async (span) => {
        await running.app.get(RefreshService).rotate(pair.refreshToken);
        span.end();
      });
      await get(bearing(pair));
      await get(bearing(pair));
      clock.advance('1h');
      await get(bearing({ accessToken: pair.accessToken }));
      const [refresh, request, ...verifications] = spans.getFinishedSpans();
      expect([refresh?.name, refresh?.attributes]).toEqual(['nestjs_token.refresh', { ...OWN, 'nestjs_token.refresh.outcome': 'rotated' }]);
      expect(refresh?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
      // The second request found the token among those that are known.
      expect(verifications.map(({ name, attributes, status }) => [name, attributes, status.code])).toEqual([
        ['nestjs_token.verify', OWN, SpanStatusCode.UNSET],
        ['nestjs_token.verify', { ...OWN, 'error.type': 'token_expired' }, SpanStatusCode.UNSET],
      ]);
    });

    it('marks a span as failed only if this service is at fault', async () => {
      await start({ revocation: 'off' });
      const pair = await expiredPair();
      jest.spyOn(running.app.get(TokenRepository, { strict: false }), 'rotate').mockRejectedValue(new Error('secret text'));
      await get({ 'x-refresh-token': pair.refreshToken! });
      const [refresh] = spans.getFinishedSpans();
      expect([refresh?.status.code, refresh?.attributes['error.type']]).toEqual([SpanStatusCode.ERROR, 'store_unavailable']);
      expect(inspect(spans.getFinishedSpans(), { depth: 9 })).not.toContain('secret text');
    });

    it('LG-01 records no token, no session and no subject', async () => {
      await start();
      const pair = await expiredPair();
      const answer = await get(bearing(pair));
      await running.app.get(RefreshService).signOut(pair.refreshToken);
      await get(bearing(pair));
      const recorded = inspect([await collected(), spans.getFinishedSpans().map(({ name, attributes, status }) => [name, attributes, status])], { depth: 12 }); // prettier-ignore
      expect(recorded).toContain('rotated');
      expect(findLeaks(recorded, [pair.accessToken, pair.refreshToken!, String(answer.headers['x-refresh-token'])])).toEqual([]);
      for (const id of [pair.sessionId, 'alice']) expect(recorded).not.toContain(id);
    });

    it('records nothing without the option', async () => {
      await start({ telemetry: false });
      const pair = await expiredPair();
      expect((await get(bearing(pair))).status).toBe(200);
      expect([spans.getFinishedSpans(), await collected()]).toEqual([[], []]);
    });
  });

  describe('by the tracing channels', () => {
    const [refresh, verify] = [tracing('nestjs-token:refresh'), tracing('nestjs-token:verify')];
    beforeEach(() => [refresh, verify].forEach((one) => one.begin()));
    afterEach(() => [refresh, verify].forEach((one) => one.end()));

    it('LG-01 tell the beginning and the end of a refresh and of a verification, with the outcome and without tokens', async () => {
      await start({ telemetry: false });
      const pair = await signIn();
      await get(bearing(pair));
      await get(bearing(pair));
      clock.advance('1h');
      await get(bearing(pair));
      expect(refresh.told).toEqual([
        ['start', { realm: 'default' }],
        ['asyncEnd', { realm: 'default', result: 'rotated' }],
      ]);
      expect(verify.told.map(([name, { error }]) => [name, (error as { errorCode?: string } | undefined)?.errorCode])).toEqual([
        ['start', undefined],
        ['asyncEnd', undefined],
        ['start', undefined],
        ['error', 'token_expired'],
        ['asyncEnd', 'token_expired'],
      ]);
      expect(findLeaks(inspect([refresh.told, verify.told], { depth: 9 }), [pair.accessToken, pair.refreshToken!])).toEqual([]);
    });

    it('tell a refresh that OpenTelemetry measures too once', async () => {
      await start();
      await get(bearing(await expiredPair()));
      expect([refresh.told.length, spans.getFinishedSpans().filter(({ name }) => name === 'nestjs_token.refresh').length]).toEqual([2, 1]);
    });
  });

  it('is told nothing if a SessionListener of the application takes the place of ours', async () => {
    const types: string[] = [];
    class OwnListener extends SessionListener {
      override on({ type }: { type: string }): void {
        types.push(type);
      }
    }
    running = await startApp({
      adapter,
      options: { repository: InMemoryTokenRepository, telemetry: true },
      override: (builder) => void builder.overrideProvider(SessionListener).useValue(new OwnListener()),
    });
    await signIn();
    expect([types, await pointsOf('nestjs_token.events')]).toEqual([['signed-in'], []]);
  });

  async function expiredPair() {
    const pair = await signIn();
    clock.advance('1h');
    return pair;
  }
});

interface Tracing {
  readonly told: [string, Record<string, unknown>][];
  begin(): void;
  end(): void;
}

/** Listens to a tracing channel, and keeps what it tells at the beginning and at the end. */
function tracing(name: string): Tracing {
  const channels = tracingChannel<TraceContext, TraceContext>(name);
  const told: Tracing['told'] = [];
  const keep = (event: string) => (message: object) => void told.push([event, { ...message }]);
  const ignore = (): void => undefined;
  const subscribers = { start: keep('start'), error: keep('error'), asyncEnd: keep('asyncEnd'), end: ignore, asyncStart: ignore };
  return {
    told,
    begin: () => {
      told.length = 0;
      channels.subscribe(subscribers);
    },
    end: () => {
      channels.unsubscribe(subscribers);
    },
  };
}
