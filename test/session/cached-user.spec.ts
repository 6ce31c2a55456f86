import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { AccessTokenClaims } from 'nestjs-token';
import { RefreshService } from 'nestjs-token';
import { codeOf, decoded } from '../support/access-tokens.js';
import { ADAPTERS, bearing, startApp } from '../support/app.js';
import { PrincipalHooks, UserCache } from '../support/lib.js';
import { sessions } from '../support/sessions.js';

const MINUTE = 60_000;

/** Replaces `performance.now()` until the end of the test. */
function monotonic(): { now: number } {
  const clock = { now: 1_000 };
  jest.spyOn(performance, 'now').mockImplementation(() => clock.now);
  return clock;
}

/** Hooks whose `loadUser` counts its calls, and claims to ask about. */
function hooks(cacheUserMs: number | null = MINUTE) {
  const time = monotonic();
  const behaviour = { act: async (subject: string): Promise<object | null> => ({ name: subject }) };
  const load = jest.fn((subject: string) => behaviour.act(subject));
  const cached = new PrincipalHooks({ loadUser: load, timeoutMs: 5_000, cacheUserMs });
  const claims = (sub: string) => ({ sub, sid: `sid-of-${sub}`, iss: 'i', aud: 'a', iat: 1, exp: 2, jti: 'j' }) as AccessTokenClaims;
  return { cached, load, behaviour, time, claims, ask: (sub: string) => cached.principalOf(claims(sub)) };
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('loadUser with cacheFor', () => {
  it('is asked once per subject and span', async () => {
    const { ask, load, time } = hooks();
    expect(await ask('alice')).toMatchObject({ sub: 'alice', user: { name: 'alice' } });
    time.now += MINUTE - 1;
    await ask('alice');
    expect(load).toHaveBeenCalledTimes(1);
    await ask('bob');
    expect(load).toHaveBeenCalledTimes(2);
    time.now += 1;
    await ask('alice');
    expect(load).toHaveBeenCalledTimes(3);
  });

  it('gives a caller who is known without a promise, and no caller when the user must be asked for', async () => {
    const { cached, ask, claims, time } = hooks();
    expect(cached.known(claims('alice'))).toBeUndefined();
    await ask('alice');
    expect(cached.known(claims('alice'))).toMatchObject({ sub: 'alice', sid: 'sid-of-alice', user: { name: 'alice' } });
    expect(cached.known(claims('alice'))).not.toBe(cached.known(claims('alice')));
    time.now += MINUTE;
    expect(cached.known(claims('alice'))).toBeUndefined();
  });

  it('knows every caller where no user is loaded, and none where nothing is kept', async () => {
    const { cached, ask, claims, load } = hooks(null);
    await ask('alice');
    expect([cached.known(claims('alice')), load.mock.calls.length]).toEqual([undefined, 1]);
    const without = new PrincipalHooks({ timeoutMs: 1, cacheUserMs: null });
    expect(without.known(claims('alice'))).toEqual(claims('alice'));
  });

  it('shares one load among simultaneous requests of a subject', async () => {
    const { ask, load } = hooks();
    const principals = await Promise.all(Array.from({ length: 20 }, () => ask('alice')));
    expect([load.mock.calls.length, new Set(principals).size]).toEqual([1, 20]);
  });

  it.each<[string, () => Promise<object | null>, string]>([
    ['null', async () => null, 'user_rejected'],
    ['a failure', async () => Promise.reject(new Error('boom')), 'hook_failed'],
  ])('does not keep %s', async (_, act, code) => {
    const { ask, behaviour, load } = hooks();
    const { act: good } = behaviour;
    behaviour.act = act;
    expect([await codeOf(() => ask('alice')), await codeOf(() => ask('alice'))]).toEqual([code, code]);
    behaviour.act = good;
    expect(await codeOf(() => ask('alice'))).toBe('none');
    expect(load).toHaveBeenCalledTimes(3);
  });

  it('is asked again once the user has been forgotten, also by requests that come during a load', async () => {
    const { ask, cached, behaviour, load } = hooks();
    await ask('alice');
    cached.forgetUser('alice');
    let finish: (user: object) => void = () => undefined;
    behaviour.act = () => new Promise((resolve) => (finish = resolve));
    const early = ask('alice');
    await Promise.resolve();
    cached.forgetUser('alice');
    behaviour.act = async () => ({ name: 'new' });
    expect(await ask('alice')).toMatchObject({ user: { name: 'new' } });
    finish({ name: 'old' });
    expect(await early).toMatchObject({ user: { name: 'old' } });
    expect(await ask('alice')).toMatchObject({ user: { name: 'new' } });
    expect(load).toHaveBeenCalledTimes(3);
  });

  it('DS-05 keeps a bounded number of users, and drops the one that expires first', async () => {
    const cache = new UserCache(MINUTE, 3);
    for (const subject of ['a', 'b', 'c', 'd']) await cache.recall(subject, async () => ({ subject }));
    expect([cache.size, cache.get('a'), cache.get('b')]).toEqual([3, undefined, { subject: 'b' }]);
    await cache.reload('b', async () => ({ subject: 'again' }));
    expect([cache.size, cache.get('b')]).toEqual([3, { subject: 'again' }]);
    await cache.recall('e', async () => ({ subject: 'e' }));
    expect([cache.get('b'), cache.get('c')]).toEqual([{ subject: 'again' }, undefined]);
  });
});

describe('RefreshService and a user who is kept', () => {
  const options = (load: (subject: string) => object | null) => ({ loadUser: { load, cacheFor: '1h' } }) as const;

  it('asks loadUser before tokens are issued, whatever is kept, and forgets a user who is gone', async () => {
    Logger.overrideLogger(false);
    let user: object | null = { name: 'Alice' };
    const load = jest.fn(() => user);
    const { refresh, clock, rotator } = sessions(options(load));
    const pair = await refresh.signIn('alice');
    clock.advance('15m');
    const { pair: next, principal } = await refresh.rotate(pair.refreshToken);
    expect([load.mock.calls.length, principal.user]).toEqual([2, { name: 'Alice' }]);
    const claims = decoded(next.accessToken).payload as unknown as AccessTokenClaims;
    const { hooks: kept } = rotator['ports'];
    expect(kept.known(claims)).toMatchObject({ user: { name: 'Alice' } });
    user = null;
    clock.advance('15m');
    expect(await codeOf(() => refresh.rotate(next.refreshToken))).toBe('user_rejected');
    expect(kept.known(claims)).toBeUndefined();
    Logger.overrideLogger(['log', 'error', 'warn', 'debug', 'verbose', 'fatal']);
  });

  it.each<[string, (refresh: RefreshService, sessionId: string) => unknown]>([
    ['forgetUser', (refresh) => refresh.forgetUser('alice')],
    ['revokeAll', (refresh) => refresh.revokeAll('alice')],
    ['revoke with a subject', (refresh, sessionId) => refresh.revoke(sessionId, { subject: 'alice' })],
  ])('forgets the user by %s', async (_, forget) => {
    const { refresh, rotator } = sessions(options((subject) => ({ subject })));
    const [alice, bob] = [await refresh.signIn('alice'), await refresh.signIn('bob')];
    await forget(refresh, alice.sessionId);
    const known = [alice, bob].map(({ accessToken }) => rotator['ports'].hooks.known(decoded(accessToken).payload as never)?.sub);
    expect(known).toEqual([undefined, 'bob']);
  });
});

describe.each(ADAPTERS)('a cached loadUser over HTTP on %s', (adapter) => {
  it('is asked once for many requests, and again after forgetUser', async () => {
    const load = jest.fn((subject: string) => ({ name: subject.toUpperCase() }));
    const app = await startApp({ adapter, options: { loadUser: { load, cacheFor: '1m' } } });
    try {
      const refresh = app.app.get(RefreshService);
      const pair = await refresh.signIn('alice');
      const headers = bearing(pair);
      for (let count = 0; count < 5; count += 1) {
        expect((await app.call('/me', { headers })).json()).toMatchObject({ sub: 'alice', user: { name: 'ALICE' } });
      }
      expect(load).toHaveBeenCalledTimes(1);
      refresh.forgetUser('alice');
      await app.call('/me', { headers });
      expect(load).toHaveBeenCalledTimes(2);
    } finally {
      await app.close();
    }
  });
});
