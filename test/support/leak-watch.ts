import { Logger } from '@nestjs/common';
import { metrics, trace } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import type { Logger as TypeOrmLogger } from 'typeorm';
import { DataSource } from 'typeorm';
import { EVENT_TYPES } from './event-types.js';
import { LeakCheck } from './leak-check.js';
import { AccessTokenIssuer, CsrfTokens, KeyRing, RefreshTokenCodec } from './lib.js';

type Method = (this: unknown, ...args: unknown[]) => unknown;
type Methods = Record<string, Method>;

const LEVELS = ['log', 'error', 'warn', 'debug', 'verbose', 'fatal'];
const show = (value: unknown): string => (typeof value === 'string' ? value : inspect(value, { depth: 9, showHidden: true }));

/** Collects metrics when it is asked. */
class OnDemandReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/**
 * Turns everything on that can write something, and shows a {@link LeakCheck} what is issued and what is written: the log of Nest on every
 * level, the log of TypeORM with all statements and parameters, the console, standard output, all events, both tracing channels, and the
 * spans and metrics of OpenTelemetry.
 */
class LeakWatch {
  check = new LeakCheck();
  private undo: (() => void)[] = [];
  private reader: OnDemandReader | undefined;

  get isInstalled(): boolean {
    return this.undo.length > 0;
  }

  install(): void {
    if (this.isInstalled) return;
    this.watchIssuing();
    for (const level of LEVELS) {
      this.watchCalls('log', Logger.prototype as unknown as Methods, level);
      this.watchCalls('log', Logger as unknown as Methods, level);
    }
    for (const method of ['log', 'info', 'warn', 'error', 'debug']) this.watchCalls('console', console as unknown as Methods, method);
    this.watchCalls('stdout', process.stdout as unknown as Methods, 'write');
    this.watchCalls('stderr', process.stderr as unknown as Methods, 'write');
    this.watchTypeOrm();
    this.watchChannels();
    this.watchTelemetry();
  }

  uninstall(): void {
    for (const undo of this.undo.splice(0).reverse()) undo();
  }

  /** Looks at the metrics that have been recorded. */
  async collect(): Promise<void> {
    if (this.reader) this.check.see('metrics', show((await this.reader.collect()).resourceMetrics.scopeMetrics));
  }

  private watchIssuing(): void {
    this.after(AccessTokenIssuer.prototype, 'issue', async (issued) =>
      this.check.add((await (issued as Promise<{ token: string }>)).token),
    );
    this.after(RefreshTokenCodec.prototype, 'encode', (token) => this.check.add(token as string));
    this.after(CsrfTokens.prototype, 'issue', (token) => this.check.add(token as string));
    this.after(KeyRing.prototype, 'replace', (_, [{ signing, verifyOnly }]) => {
      const keys = [...(signing ? [signing] : []), ...verifyOnly].filter(({ key }) => key.type === 'secret');
      const bytes = keys.map(({ key }) => key.export());
      for (const secret of bytes) for (const encoding of ['latin1', 'hex', 'base64'] as const) this.check.add(secret.toString(encoding));
    });
  }

  private watchTypeOrm(): void {
    this.replace(DataSource.prototype as unknown as Methods, 'initialize', (original) => {
      const see = (...parts: unknown[]): void => this.check.see('typeorm', parts.map(show).join(' '));
      return function (this: unknown, ...args) {
        const source = this as { logger: TypeOrmLogger };
        source.logger = teeLogger(source.logger, see);
        return Reflect.apply(original, this, args);
      };
    });
  }

  private watchChannels(): void {
    for (const type of EVENT_TYPES) this.listen(`nestjs-token:${type}`, 'event');
    for (const operation of ['refresh', 'verify']) {
      const channels = tracingChannel(`nestjs-token:${operation}`);
      for (const { name } of [channels.start, channels.error, channels.asyncEnd]) this.listen(String(name), 'trace');
    }
  }

  private listen(channel: string, where: string): void {
    const listener = (message: unknown): void => this.check.see(where, show(message));
    subscribe(channel, listener);
    this.undo.push(() => unsubscribe(channel, listener));
  }

  private watchTelemetry(): void {
    const onEnd = ({ name, attributes, status, events }: ReadableSpan): void =>
      this.check.see('span', show({ name, attributes, status, events }));
    const nothing = async (): Promise<void> => undefined;
    const processor: SpanProcessor = { onStart: () => undefined, onEnd, forceFlush: nothing, shutdown: nothing };
    this.reader = new OnDemandReader();
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }));
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [this.reader] }));
    this.undo.push(() => [trace, metrics].forEach((api) => api.disable()));
  }

  /** Shows what a method is called with. */
  private watchCalls(where: string, owner: Methods, method: string): void {
    const see = (parts: unknown[]): void => this.check.see(where, parts.filter((part) => typeof part !== 'function').map(show).join(' ')); // prettier-ignore
    this.replace(owner, method, (original) => {
      return function (this: unknown, ...args) {
        see(args);
        return Reflect.apply(original, this, args);
      };
    });
  }

  /** Calls a function with what a method has returned. */
  private after<T extends object, K extends keyof T & string>(
    owner: T,
    method: K,
    look: (result: unknown, args: T[K] extends (...args: infer A) => unknown ? A : never) => unknown,
  ): void {
    this.replace(owner as Methods, method, (original) => {
      return function (this: unknown, ...args) {
        const result = Reflect.apply(original, this, args);
        const looked = look(result, args as never);
        if (looked instanceof Promise) looked.catch(() => undefined);
        return result;
      };
    });
  }

  private replace(owner: Methods, method: string, make: (original: Method) => Method): void {
    const own = Object.getOwnPropertyDescriptor(owner, method);
    const original = owner[method]!;
    owner[method] = make(original);
    this.undo.push(() => {
      if (own) Object.defineProperty(owner, method, own);
      else Reflect.deleteProperty(owner, method);
    });
  }
}

/** Passes everything on to the logger that the application has configured. */
function teeLogger(logger: TypeOrmLogger, see: (...parts: unknown[]) => void): TypeOrmLogger {
  return new Proxy(logger, {
    get(target, member) {
      const value: unknown = Reflect.get(target, member, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => {
        // The last argument of most methods is the query runner, which holds the whole data source.
        see(...args.filter((arg) => typeof arg === 'string' || Array.isArray(arg) || arg instanceof Error));
        return Reflect.apply(value as Method, target, args);
      };
    },
  });
}

/** The watch over a test file. */
export const leakWatch = new LeakWatch();
