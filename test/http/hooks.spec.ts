import { afterEach, describe, expect, it } from '@jest/globals';
import type { TokenPair } from 'nestjs-token';
import { RefreshService, StoreUnavailable } from 'nestjs-token';
import type { Answer, TestApp } from '../support/app.js';
import { ADAPTERS, expired, startApp } from '../support/app.js';
import { CapturedLog } from '../support/captured-log.js';
import { carrying, tokensOn, TRANSPORTS } from '../support/token-store.js';

type Loader = () => Promise<object | null> | object | null;

/** Milliseconds that these tests let a hook be waited for: the shortest that there is. */
const HOOK_TIMEOUT = 100;

const CASES = ADAPTERS.flatMap((adapter) => TRANSPORTS.map((transport) => ({ adapter, transport })));

describe.each(CASES)('a loadUser hook behind the guard on $adapter, tokens in the $transport', ({ adapter, transport }) => {
  let running: TestApp;
  let act: Loader = () => ({});
  const log = new CapturedLog();
  afterEach(() => running.close());

  async function start(): Promise<{ good: Record<string, string>; over: Record<string, string> }> {
    running = await startApp({ adapter, options: { transport, loadUser: () => act(), hookTimeout: `${HOOK_TIMEOUT}ms` } });
    act = () => ({});
    const pair = await running.app.get(RefreshService).signIn('alice');
    running.app.useLogger(log);
    log.lines.length = 0;
    const headersOf = ({ accessToken: access, refreshToken }: TokenPair) => carrying(transport, { access, refresh: refreshToken });
    return { good: headersOf(pair), over: headersOf(expired(running.app, pair)) };
  }

  /** A fault leaves the client with the tokens that it has. */
  const told = (answer: Answer): unknown[] => {
    const { status, headers } = answer;
    expect(tokensOn(transport, answer)).toEqual({ deleted: [], isExposed: false });
    return [status, headers['retry-after'], answer.json().errorCode, headers['www-authenticate']];
  };

  it.each(['good', 'over'] as const)(
    'that fails is 500, with its stack in the log once, for an access token that is %s (F-33)',
    async (which) => {
      const headers = (await start())[which];
      act = function brokenHook() {
        throw new TypeError('boom');
      };
      const answers = [await running.call('/me', { headers }), await running.call('/me', { headers })];
      expect(answers.map(told)).toEqual([1, 2].map(() => [500, undefined, 'hook_failed', undefined]));
      expect(answers[0]?.json()).toEqual({
        statusCode: 500,
        message: 'a hook of the application failed',
        error: 'Internal Server Error',
        errorCode: 'hook_failed',
      });
      expect(log.of('error')).toEqual([expect.stringMatching(/^error hook_failed: loadUser TypeError: boom\n +at .*brokenHook/)]);
      act = () => ({});
      expect((await running.call('/me', { headers })).status).toBe(200);
    },
  );

  it('that throws what is no Error is not quoted in the log (F-33)', async () => {
    const { good } = await start();
    act = () => {
      // eslint-disable-next-line @typescript-eslint/only-throw-error -- what applications do
      throw 'a secret';
    };
    expect(told(await running.call('/me', { headers: good }))[2]).toBe('hook_failed');
    expect(log.of('error')).toEqual([expect.stringMatching(/^error hook_failed: loadUser string was thrown, not an Error/)]);
  });

  it('that says that its own store is away is 503 (F-33)', async () => {
    const { good } = await start();
    act = () => Promise.reject(new StoreUnavailable({ cause: new Error('users database') }));
    expect(told(await running.call('/me', { headers: good }))).toEqual([503, '1', 'store_unavailable', undefined]);
    // The name of the cause only: a driver's message holds addresses and user names.
    expect(log.of('error')).toEqual([expect.stringMatching(/^error store_unavailable: Error( |$)/)]);
  });

  it.each(['good', 'over'] as const)('that hangs is 503 within its time, for an access token that is %s (F-05)', async (which) => {
    const headers = (await start())[which];
    act = () => new Promise(() => undefined);
    const answers = await Promise.all([1, 2, 3].map(() => running.call('/me', { headers })));
    expect(answers.map(told)).toEqual(answers.map(() => [503, '1', 'hook_timeout', undefined]));
    expect(log.of('error')).toEqual([expect.stringMatching(/^error hook_timeout: loadUser/)]);
    act = () => ({});
    expect((await running.call('/me', { headers })).status).toBe(200);
  });
});
