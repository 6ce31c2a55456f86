import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { TokenModuleOptions } from 'nestjs-token';
import { StoreUnavailable, TokenExpired, UserRejected } from 'nestjs-token';
import { composeInstance } from '../support/instance.js';
import { resolveTokenOptions } from '../support/lib.js';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { codeOf, SESSION_ID } from '../support/access-tokens.js';
import { ISSUER, SECRET } from '../support/app.js';

const HOOKS = ['loadUser', 'claims'] as const;
type Hook = (typeof HOOKS)[number];

/** An instance whose hook does what a test says, for a session whose token is due. */
async function dueSession(hook: Hook, options: Partial<TokenModuleOptions> = {}) {
  const clock = new FakeClock();
  const repository = new InMemoryTokenRepository(clock);
  const behaviour: { act: () => Promise<object | null> | object | null } = { act: () => ({}) };
  const given = { issuer: ISSUER, secret: SECRET, ...options, [hook]: () => behaviour.act() };
  const instance = composeInstance({ name: 'default', options: resolveTokenOptions(given, 'default'), repository, clock });
  const pair = await instance.refresh.signIn('alice');
  clock.advance('1h');
  return { instance, refresh: instance.refresh, token: pair.refreshToken, behaviour, repository, pair };
}

const never = (): Promise<never> => new Promise(() => undefined);

beforeEach(() => {
  Logger.overrideLogger(false);
  jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate', 'Date', 'performance'] });
});
afterEach(() => {
  jest.useRealTimers();
  Logger.overrideLogger(['log', 'error', 'warn', 'debug', 'verbose', 'fatal']);
});

describe.each(HOOKS)('the hook %s has a deadline', (hook) => {
  it(`answers hook_timeout when ${hook} hangs, and loses nothing (F-05)`, async () => {
    const { refresh, token, behaviour } = await dueSession(hook);
    behaviour.act = never;
    const rotation = refresh.rotate(token).catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(4_999);
    expect(await Promise.race([rotation, Promise.resolve('waits')])).toBe('waits');
    await jest.advanceTimersByTimeAsync(1);
    expect(await rotation).toMatchObject({ name: 'HookTimeout', errorCode: 'hook_timeout', retryAfter: 1, terminal: false, hook });
    behaviour.act = () => ({});
    expect((await refresh.rotate(token)).outcome).toBe('coalesced');
  });

  it(`opens no session when ${hook} hangs at sign-in (F-05)`, async () => {
    const { refresh, behaviour } = await dueSession(hook, { hookTimeout: '100ms' });
    behaviour.act = never;
    const signIn = codeOf(() => refresh.signIn('bob'));
    await jest.advanceTimersByTimeAsync(100);
    expect([await signIn, await refresh.sessions('bob')]).toEqual(['hook_timeout', []]);
  });

  it(`leaves no timer behind when ${hook} answers or fails (F-05)`, async () => {
    const { refresh, token, behaviour } = await dueSession(hook);
    await refresh.rotate(token);
    behaviour.act = () => Promise.reject(new Error('boom'));
    await codeOf(() => refresh.rotate(token));
    expect(jest.getTimerCount()).toBe(0);
  });

  it(`lets ${hook} reject after the deadline without an unhandled rejection (F-05)`, async () => {
    const unhandled = jest.fn();
    process.on('unhandledRejection', unhandled);
    const { refresh, token, behaviour } = await dueSession(hook);
    let fail: (error: Error) => void = () => undefined;
    behaviour.act = () => new Promise((_, reject) => (fail = reject));
    const rotation = codeOf(() => refresh.rotate(token));
    await jest.advanceTimersByTimeAsync(5_000);
    fail(new Error('late'));
    expect(await rotation).toBe('hook_timeout');
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});

describe('the callers that share one presentation', () => {
  it('are answered together when the hook hangs, and the next one starts anew (F-05)', async () => {
    const { refresh, token, behaviour } = await dueSession('loadUser');
    behaviour.act = never;
    const leader = codeOf(() => refresh.rotate(token));
    await jest.advanceTimersByTimeAsync(4_000);
    const follower = codeOf(() => refresh.rotate(token));
    await jest.advanceTimersByTimeAsync(1_000);
    expect([await leader, await follower]).toEqual(['hook_timeout', 'hook_timeout']);
    behaviour.act = () => ({});
    expect((await refresh.rotate(token)).outcome).toBe('coalesced');
  });

  it('are let go when the store never answers, and the next one starts anew (F-05)', async () => {
    const { refresh, token, repository } = await dueSession('loadUser', { storeTimeout: '1s', hookTimeout: '1s' });
    const stuck = jest.spyOn(repository, 'rotate').mockImplementation(never);
    const answers = [refresh.rotate(token), refresh.rotate(token)].map((rotation) => codeOf(() => rotation));
    await jest.advanceTimersByTimeAsync(4_000);
    expect(await Promise.all(answers)).toEqual(['store_unavailable', 'store_unavailable']);
    stuck.mockRestore();
    expect((await refresh.rotate(token)).outcome).toBe('rotated');
  });

  it('keep no timer when the presentation has ended (F-05)', async () => {
    const { refresh, token } = await dueSession('loadUser');
    await Promise.all([refresh.rotate(token), refresh.rotate(token)]);
    expect(jest.getTimerCount()).toBe(0);
  });
});

describe.each(HOOKS)('a %s hook that fails', (hook) => {
  it.each<[string, RegExp, () => object | null]>([
    ['an Error', /boom/, () => fail(new Error('boom'))],
    ['a programming error', /TypeError/, () => (undefined as unknown as { name: string }).name as never],
    ['text', /^boom$/, () => fail('boom')],
    ['nothing', /undefined/, () => fail(undefined)],
    ['an error of this package that is no verdict of a hook', /TokenExpired/, () => fail(new TokenExpired(SESSION_ID))],
  ])(`answers hook_failed from ${hook} when it throws %s, and keeps the cause (F-33)`, async (_, cause, act) => {
    const { refresh, token, behaviour } = await dueSession(hook);
    behaviour.act = act;
    const failure = await refresh.rotate(token).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'HookFailed', errorCode: 'hook_failed', retryAfter: null, terminal: false, hook });
    expect((failure as Error).message).toBe('a hook of the application failed');
    expect(String((failure as Error).cause)).toMatch(cause);
    behaviour.act = () => ({});
    expect((await refresh.rotate(token)).outcome).toBe('coalesced');
  });

  it(`answers store_unavailable when ${hook} says that its own store is away (F-33)`, async () => {
    const { refresh, token, behaviour } = await dueSession(hook);
    behaviour.act = () => Promise.reject(new StoreUnavailable());
    await expect(refresh.rotate(token)).rejects.toMatchObject({ errorCode: 'store_unavailable', retryAfter: 1 });
  });

  it(`answers user_rejected when ${hook} rejects the user, and ends the session (F-33)`, async () => {
    const { refresh, token, behaviour, repository, pair } = await dueSession(hook);
    behaviour.act = () => Promise.reject(new UserRejected());
    expect(await codeOf(() => refresh.rotate(token))).toBe('user_rejected');
    expect((await repository.find({ realm: 'default', id: pair.sessionId }))?.session.revokedAt).not.toBeNull();
  });
});

function fail(reason: unknown): never {
  throw reason;
}
