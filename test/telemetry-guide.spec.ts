import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { TOKEN_ERRORS, RefreshService } from 'nestjs-token';
import type { FakeClock } from 'nestjs-token/testing';
import { useTestTokens } from 'nestjs-token/testing';
import type { TestingModuleBuilder } from '@nestjs/testing';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import winston from 'winston';
import { accessTokens, SESSION_ID } from './support/access-tokens.js';
import type { TestApp } from './support/app.js';
import { ADAPTERS, bearing, SECRET, startApp } from './support/app.js';
import { EVENT_TYPES } from './support/event-types.js';
import { leakWatch } from './support/leak-watch.js';
import { AuditService } from './telemetry-guide/audit.service.js';
import { listen, listenNoMore, told } from './telemetry-guide/channels.js';
import { HealthController } from './telemetry-guide/health.controller.js';
import { pinoLogger, RedactingLogger, winstonLogger } from './telemetry-guide/loggers.js';

process.env['TOKEN_SECRET'] = SECRET;
const { alerts, tokens } = await import('./telemetry-guide/tokens.js');

const HERE = import.meta.dirname;
const read = (...path: string[]): string => readFileSync(join(HERE, ...path), 'utf8');
const GUIDE = read('..', 'docs', 'telemetry.md');
const SOURCES = readdirSync(join(HERE, 'telemetry-guide')).map((name) => withoutIndent(read('telemetry-guide', name)));

/** Members of a class stand in the guide without their class. */
function withoutIndent(text: string): string {
  return text.replace(/^ +/gm, '').replace(/^export (?=const|class|function|@)/gm, '');
}

@Module({ imports: [TerminusModule.forRoot({ logger: false })], controllers: [HealthController] })
class HealthModule {}

describe('docs/telemetry.md', () => {
  it('shows nothing but code that the tests below run', () => {
    const examples = [...GUIDE.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, text]) => withoutIndent(text ?? ''));
    expect(examples.length).toBeGreaterThan(6);
    expect(examples.filter((example) => !SOURCES.some((source) => source.includes(example)))).toEqual([]);
  });

  it('lists every event, and nothing else as one', () => {
    const listed = [...GUIDE.matchAll(/^\| `([a-z-]+)` +\| /gm)].map(([, type]) => type);
    expect(listed.sort()).toEqual([...EVENT_TYPES].sort());
  });

  it('names every instrument and span that is recorded, and no other', () => {
    const source = read('..', 'lib', 'events', 'open-telemetry.ts');
    const names = (text: string) => new Set([...text.matchAll(/nestjs_token\.[a-z_.]*[a-z]/g)].map(([name]) => name));
    // The names of spans end with the operation.
    const recorded = [...names(source), 'nestjs_token.refresh', 'nestjs_token.verify'];
    expect([...names(GUIDE)].sort()).toEqual([...new Set(recorded)].sort());
  });

  it('names no code of an error that there is not', () => {
    const codes = [...GUIDE.matchAll(/`((?:token|refresh|session|csrf|store|user)_[a-z_]+)`/g)].map(([, code = '']) => code);
    expect(codes.length).toBeGreaterThan(3);
    expect(codes.filter((code) => !Object.hasOwn(TOKEN_ERRORS, code))).toEqual([]);
  });
});

describe.each(ADAPTERS)('the code of docs/telemetry.md on %s', (adapter) => {
  let running: TestApp;
  let clock: FakeClock;
  beforeAll(listen);
  afterAll(listenNoMore);
  beforeEach(async () => {
    Logger.overrideLogger(false);
    const override = (builder: TestingModuleBuilder): void => {
      clock = useTestTokens(builder);
    };
    running = await startApp({ adapter, override, options: null, imports: [tokens, HealthModule], providers: [AuditService] });
  });
  afterEach(() => running.close());
  const refresh = () => running.app.get(RefreshService);

  it('tells users of reuse, and of being signed out everywhere', async () => {
    const { refreshToken } = await refresh().signIn('alice');
    let current = refreshToken;
    for (let turn = 0; turn < 2; turn++) {
      clock.advance('1h');
      current = (await refresh().rotate(current)).pair.refreshToken;
    }
    await expect(refresh().rotate(refreshToken)).rejects.toMatchObject({ errorCode: 'refresh_reused' });
    await refresh().signIn('alice');
    await refresh().revokeAll('alice');
    expect(alerts.splice(0)).toEqual([
      'alice: Somebody may have copied your tokens. We have signed you out on that device.',
      'alice: You have been signed out on 1 devices.',
    ]);
  });

  it('stores events in batches, without those that are not wanted', async () => {
    const pair = await refresh().signIn('alice');
    clock.advance('1h');
    await running.call('/me', { headers: bearing(pair) });
    await running.call('/me');
    await running.app.close();
    const types = running.app
      .get(AuditService)
      .batches.flat()
      .map((event) => (event as { type: string }).type);
    expect(types).toEqual(['signed-in', 'access-rejected']);
  });

  it('hears the channels', async () => {
    told.length = 0;
    const pair = await refresh().signIn('alice');
    await refresh().rotate(pair.refreshToken);
    const expected = [{ realm: 'default', sessionId: pair.sessionId }, 'refresh in default', 'refresh has ended: rotated'];
    expect(told).toEqual(expect.arrayContaining(expected));
  });

  it('reports the health', async () => {
    const answer = await running.call('/health');
    expect([answer.status, answer.json()['details']]).toEqual([
      200,
      { tokens: { status: 'up', revocationLagSeconds: expect.any(Number) as unknown } },
    ]);
  });
});

describe('the loggers of docs/telemetry.md', () => {
  let token: string;
  let written: string[];
  const isWatched = leakWatch.isInstalled;
  beforeAll(async () => {
    token = await accessTokens().service.sign('alice', { sessionId: SESSION_ID });
    // These tests give tokens to loggers on purpose.
    leakWatch.uninstall();
  });
  afterAll(() => {
    if (isWatched) leakWatch.install();
  });
  beforeEach(() => {
    written = [];
  });
  const expectRedacted = (): void => {
    expect(written.join('')).toContain('got [redacted]');
    expect(written.join('')).not.toContain(token.slice(-20));
  };
  const sink = (): PassThrough => new PassThrough().on('data', (chunk: Buffer) => written.push(chunk.toString()));

  it('LG-01 keep tokens out of pino', () => {
    const stream = sink();
    pinoLogger(stream).info({ req: { headers: { authorization: `Bearer ${token}` } } }, `got ${token}`);
    expectRedacted();
  });

  it('LG-01 keep tokens out of winston', async () => {
    const logger = winstonLogger([new winston.transports.Stream({ stream: sink() })]);
    logger.info(`got ${token}`, { req: { headers: { authorization: `Bearer ${token}` } } });
    logger.info('by a getter', Object.defineProperty({}, 'given', { enumerable: true, value: { get token() { return token; } } })); // prettier-ignore
    logger.end();
    await new Promise((resolve) => logger.once('finish', resolve));
    expectRedacted();
    expect(written.join('')).toContain('{"given":{"token":"[redacted]"},');
  });

  it("LG-01 keep tokens out of Nest's logger", () => {
    const write = (chunk: unknown): boolean => written.push(String(chunk)) > 0;
    const spies = [process.stdout, process.stderr].map((stream) => jest.spyOn(stream, 'write').mockImplementation(write as never));
    const logger = new RedactingLogger('App', { colors: false });
    logger.log(`got ${token}`, { authorization: `Bearer ${token}` });
    logger.error('failed', new Error(token).stack);
    for (const spy of spies) spy.mockRestore();
    expectRedacted();
  });
});
