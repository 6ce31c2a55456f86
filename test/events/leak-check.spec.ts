import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Headers, Logger, UseGuards } from '@nestjs/common';
import { trace } from '@opentelemetry/api';
import { JwtAuthGuard, RefreshService } from 'nestjs-token';
import { channel } from 'node:diagnostics_channel';
import { DataSource } from 'typeorm';
import type { AdapterName, TestApp } from '../support/app.js';
import { ADAPTERS, bearing, startApp } from '../support/app.js';
import { LeakCheck } from '../support/leak-check.js';
import { leakWatch } from '../support/leak-watch.js';

/** Says the access token of a request in a way that the test chooses. */
let leak: (token: string) => unknown = () => undefined;

@Controller()
@UseGuards(JwtAuthGuard)
class LeakingController {
  @Get('leak')
  async leak(@Headers('authorization') header: string): Promise<object> {
    await leak(header.slice('Bearer '.length));
    return {};
  }
}

const isWatched = leakWatch.isInstalled;
beforeAll(() => leakWatch.install());
afterAll(() => {
  if (!isWatched) leakWatch.uninstall();
});

describe.each(ADAPTERS)('The search for tokens in everything that is written, on %s', (adapter: AdapterName) => {
  let running: TestApp;
  let check: LeakCheck;
  const around = leakWatch.check;
  beforeEach(async () => {
    Logger.overrideLogger(false);
    leakWatch.check = check = new LeakCheck();
    running = await startApp({ adapter, controllers: [LeakingController], options: { telemetry: true } });
  });
  afterEach(async () => {
    await running.close();
    leakWatch.check = around;
  });

  const SIGNATURE = -20;
  it.each<[string, string, (token: string, app: TestApp) => unknown]>([
    ['the log, on a level that nobody prints', 'log', (token) => new Logger('App').verbose(`got ${token}`)],
    ['an object in the log', 'log', (token) => new Logger('App').debug({ a: [{ headers: { authorization: token } }] })],
    ['the cause of an error in the log', 'log', (token) => new Logger('App').warn(new Error('failed', { cause: new Error(token) }))],
    ['the console', 'console', (token) => console.debug('%s', token)],
    ['standard error', 'stderr', (token) => process.stderr.write(`${token}\n`)],
    ['a parameter of a statement', 'typeorm', (token, { app }) => app.get(DataSource).query('SELECT ?', [token])],
    ['an event', 'event', (token, { app }) => app.get(RefreshService).signIn(token.slice(SIGNATURE))],
    ['a channel', 'event', (token) => channel('nestjs-token:rotated').publish({ token })],
    ['an attribute of a span', 'span', (token) => trace.getTracer('app').startSpan('a', { attributes: { token } }).end()],
    ['16 characters of the signature', 'log', (token) => new Logger('App').log(token.slice(-30, -14))],
  ])('LG-01 finds a token in %s', async (_, where, say) => {
    const pair = await running.app.get(RefreshService).signIn('alice');
    leak = (token) => say(token, running);
    expect((await running.call('/leak', { headers: bearing(pair) })).status).toBe(200);
    // What is said to the console reaches standard output too.
    expect(check.leaks.filter((line) => line.startsWith(`${where}: `)).length).toBeGreaterThan(0);
    for (const line of check.leaks) expect(line).not.toContain(pair.accessToken.slice(SIGNATURE));
  });

  it('LG-01 finds refresh tokens, CSRF tokens and the secret that signs', async () => {
    const { refreshToken } = await running.app.get(RefreshService).signIn('alice');
    new Logger('App').log(refreshToken);
    expect(check.leaks).toHaveLength(1);
    expect(check.issued).toBeGreaterThan(2);
  });

  it('LG-01 finds nothing in what this package writes itself, and looks everywhere', async () => {
    leak = () => undefined;
    const pair = await running.app.get(RefreshService).signIn('alice');
    await running.call('/leak', { headers: bearing(pair) });
    await running.call('/leak', { headers: { authorization: `Bearer ${pair.accessToken}x`, 'x-refresh-token': 'ntr_forged' } });
    await running.app.get(RefreshService).rotate(pair.refreshToken);
    await leakWatch.collect();
    expect(check.leaks).toEqual([]);
    expect([...check.written.keys()].sort()).toEqual(expect.arrayContaining(['event', 'log', 'metrics', 'span', 'trace', 'typeorm']));
  });

  it('accepts 15 characters, which may be there by chance, and the header of a token, which is no secret', () => {
    check.add('eyJhbGciOiJIUzI1NiJ9.abcdefghijklmnopqrstuvwxyz012345.ABCDEFGHIJKLMNOPQRSTUVWXYZ');
    check.see('log', 'eyJhbGciOiJIUzI1NiJ9 efghijklmnopqrs ---efghijklmnopqrs--- DEFGHIJKLMNOPQR');
    expect(check.leaks).toEqual([]);
    check.see('log', 'efghijklmnopqrst');
    check.see('log', '---DEFGHIJKLMNOPQRS---');
    expect(check.leaks).toHaveLength(2);
  });
});
