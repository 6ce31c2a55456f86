import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { RevocationPush, TokenModuleOptions } from 'nestjs-token';
import { TokenOptionsError } from 'nestjs-token';
import { setTimeout as delay } from 'node:timers/promises';
import type { ComposedInstance } from '../support/instance.js';
import { composeInstance } from '../support/instance.js';
import { resolveTokenOptions } from '../support/lib.js';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { ISSUER, SECRET } from '../support/app.js';
import { FakeChannel, FakePush } from '../support/fake-push.js';
import { until } from '../support/until.js';

/** From one regular poll to the next: so far away that only a hint can have made a node poll. */
const FAR = 3_600_000;
/** What a careless channel rejects with. */
const NOTHING = undefined as unknown as Error;
const opened: ComposedInstance[] = [];

interface NodeSetup {
  options?: Partial<TokenModuleOptions>;
  realm?: string;
  pollIntervalMs?: number;
}

/** Nodes over one store and one channel, whose regular polls are an hour apart unless they say otherwise. */
function world() {
  const clock = new FakeClock();
  const repository = new InMemoryTokenRepository(clock);
  const channel = new FakeChannel();
  const polls = jest.spyOn(repository, 'revokedSince');
  const warnings = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  const node = async ({ options, realm = 'default', pollIntervalMs = FAR }: NodeSetup = {}) => {
    const given = { issuer: ISSUER, secret: SECRET, push: channel.end(), ...options };
    const instance = composeInstance({ name: realm, options: resolveTokenOptions(given, realm), repository, clock, pollIntervalMs });
    opened.push(instance);
    await instance.onModuleInit();
    return instance;
  };
  return { clock, repository, channel, polls, warnings, node };
}

const hanging = (): Promise<void> => new Promise(() => undefined);

async function refuses(node: ComposedInstance, accessToken: string): Promise<boolean> {
  return node.accessTokens.verify(accessToken).then(
    () => false,
    (error: unknown) => (error as { errorCode?: string }).errorCode === 'token_revoked',
  );
}

afterEach(async () => {
  jest.useRealTimers();
  await Promise.all(opened.splice(0).map((instance) => instance.onModuleDestroy()));
  jest.restoreAllMocks();
});

describe('the push channel', () => {
  describe('as an option', () => {
    it.each<[string, unknown]>([
      ['text', 'redis://127.0.0.1'],
      ['an object without verbs', {}],
      ['an object that lacks close', { announce: hanging, listen: hanging }],
      ['an object whose announce is not a function', { announce: 1, listen: hanging, close: hanging }],
    ])('refuses %s', (_, push) => {
      const options = { issuer: ISSUER, secret: SECRET, push: push as RevocationPush };
      expect(() => resolveTokenOptions(options, 'default')).toThrow(TokenOptionsError);
      expect(() => resolveTokenOptions(options, 'default')).toThrow(/push: .*announce, listen, close/);
    });

    it.each(['strict', 'off'] as const)('warns that it does nothing with revocation %s, and is not listened to', async (revocation) => {
      const { node, channel, warnings } = world();
      const here = await node({ options: { revocation } });
      expect(warnings.mock.calls).toEqual([[`push: does nothing with revocation: '${revocation}'`]]);
      expect(channel.listening).toBe(0);
      await here.refresh.signOut((await here.refresh.signIn('alice')).refreshToken);
      expect(channel.announced).toBe(0);
    });
  });

  describe('a node that hears a hint', () => {
    it('refuses the access token that another node has revoked, long before its regular poll', async () => {
      const { node } = world();
      const [here, there] = [await node(), await node()];
      const pair = await here.refresh.signIn('alice');
      expect(await refuses(there, pair.accessToken)).toBe(false);
      await here.refresh.signOut(pair.refreshToken);
      await until(() => refuses(there, pair.accessToken));
    });

    it('does not poll for a hint of another realm', async () => {
      const { node, channel, polls } = world();
      await node();
      polls.mockClear();
      channel.hint('admin');
      await delay(80);
      expect(polls).not.toHaveBeenCalled();
    });

    it('polls once for any number of hints at a time', async () => {
      const { node, channel, polls } = world();
      await node();
      polls.mockClear();
      for (let n = 0; n < 1_000; n++) channel.hint();
      await delay(120);
      expect(polls).toHaveBeenCalledTimes(1);
    });

    it('polls at most every 50 ms while it is flooded', async () => {
      const { node, channel, polls } = world();
      await node();
      polls.mockClear();
      const startedAt = performance.now();
      while (performance.now() - startedAt < 400) {
        channel.hint();
        await delay(1);
      }
      await delay(60);
      const most = Math.ceil((performance.now() - startedAt) / 50) + 1;
      expect(polls.mock.calls.length).toBeGreaterThan(1);
      expect(polls.mock.calls.length).toBeLessThanOrEqual(most);
    });

    it('polls again for a hint that came during a poll', async () => {
      const { node, channel, polls } = world();
      await node();
      polls.mockClear();
      polls.mockImplementationOnce(async () => {
        channel.hint();
        await delay(20);
        return { sessions: [], at: null };
      });
      channel.hint();
      await until(() => polls.mock.calls.length === 2);
    });

    it('leaves a failing store to the regular polls', async () => {
      const { node, channel, polls, warnings } = world();
      await node();
      polls.mockClear();
      polls.mockRejectedValueOnce(new Error('connection refused'));
      channel.hint();
      await until(() => warnings.mock.calls.length === 1);
      for (let n = 0; n < 20; n++) channel.hint();
      await delay(120);
      expect(polls).toHaveBeenCalledTimes(1);
    });

    it('no longer polls once it has been closed', async () => {
      const { node, channel, polls } = world();
      const end = channel.end();
      let onHint: (() => void) | undefined;
      const listen = end.listen.bind(end);
      end.listen = async (realm, hinted) => {
        onHint = hinted;
        await listen(realm, hinted);
      };
      const here = await node({ options: { push: end } });
      await here.onModuleDestroy();
      expect(channel.listening).toBe(0);
      polls.mockClear();
      onHint!();
      await delay(80);
      expect(polls).not.toHaveBeenCalled();
    });
  });

  describe('a node that revokes', () => {
    it('announces a sign-out, a revocation, and the revocation of all', async () => {
      const { node, channel } = world();
      const here = await node();
      const [first, second] = [await here.refresh.signIn('alice'), await here.refresh.signIn('alice')];
      await here.refresh.signIn('alice');
      await here.refresh.signOut(first.refreshToken);
      await until(() => channel.announced === 1);
      await here.refresh.revoke(second.sessionId);
      await until(() => channel.announced === 2);
      await here.refresh.revokeAll('alice');
      await until(() => channel.announced === 3);
    });

    it('announces reuse, and not a session that was found dead', async () => {
      const { node, channel, clock } = world();
      const here = await node();
      const pair = await here.refresh.signIn('alice');
      clock.advance(120_000);
      const next = await here.refresh.rotate(pair.refreshToken);
      clock.advance(120_000);
      await here.refresh.rotate(next.pair.refreshToken);
      clock.advance(120_000);
      await expect(here.refresh.rotate(pair.refreshToken)).rejects.toMatchObject({ errorCode: 'refresh_reused' });
      expect(channel.announced).toBe(1);
      await expect(here.refresh.rotate(next.pair.refreshToken)).rejects.toMatchObject({ errorCode: 'session_revoked' });
      expect(channel.announced).toBe(1);
    });

    it('announces only what the store has committed', async () => {
      const { node, channel, repository } = world();
      const here = await node();
      const pair = await here.refresh.signIn('alice');
      const seen: (number | null | undefined)[] = [];
      channel.deliver = async () => {
        seen.push((await repository.find({ realm: 'default', id: pair.sessionId }))?.session.revokedAt);
      };
      await here.refresh.signOut(pair.refreshToken);
      await until(() => seen.length === 1);
      expect(seen).toEqual([expect.any(Number)]);
    });
  });

  describe('a channel', () => {
    it.each<[string, FakeChannel['deliver']]>([
      ['rejects', async () => Promise.reject(new Error('host 10.0.0.7 refused'))],
      [
        'throws',
        () => {
          throw new TypeError('not a function');
        },
      ],
      ['rejects with nothing', async () => Promise.reject(NOTHING)],
      ['hangs', hanging],
    ])('that %s neither fails nor delays a sign-out', async (_, deliver) => {
      const { node, channel, warnings } = world();
      const here = await node();
      channel.deliver = deliver;
      const pairs = await Promise.all(Array.from({ length: 20 }, () => here.refresh.signIn('alice')));
      for (const { refreshToken } of pairs) await here.refresh.signOut(refreshToken);
      expect(await here.refresh.sessions('alice')).toEqual([]);
      expect(warnings.mock.calls.length).toBeLessThanOrEqual(1);
      expect(warnings.mock.calls.flat().join()).not.toContain('10.0.0.7');
    });

    it('that fails again and again is one line of the log a minute', async () => {
      const { node, channel, warnings } = world();
      const here = await node();
      channel.deliver = async () => Promise.reject(new Error('gone'));
      jest.useFakeTimers();
      for (let second = 0; second < 120; second++) {
        await here.refresh.revokeAll('alice');
        await jest.advanceTimersByTimeAsync(1_000);
      }
      const line = 'the push channel cannot be told (Error): other nodes see revocations with their next poll';
      expect(warnings.mock.calls).toEqual([[line], [line]]);
    });

    it('that hangs is the only one under way, and is followed by one for all that came meanwhile', async () => {
      const { node, channel, warnings } = world();
      const here = await node();
      const settle: (() => void)[] = [];
      channel.deliver = () => new Promise((resolve) => settle.push(resolve));
      jest.useFakeTimers();
      for (let n = 0; n < 1_000; n++) await here.refresh.revokeAll(`subject ${n}`);
      expect(channel.announced).toBe(1);
      await jest.advanceTimersByTimeAsync(2_000);
      expect(warnings.mock.calls).toEqual([['the push channel does not answer: other nodes see revocations with their next poll']]);
      settle[0]!();
      await jest.advanceTimersByTimeAsync(0);
      expect(channel.announced).toBe(2);
      settle[1]!();
      await jest.advanceTimersByTimeAsync(0);
      expect(channel.announced).toBe(2);
    });

    it('that cannot be listened to lets the node start, with a warning, and leaves the bound of a second as it is', async () => {
      const { node, channel, warnings } = world();
      const here = await node();
      const deaf = channel.end();
      deaf.listen = async () => Promise.reject(new Error('redis://user:password@10.0.0.7'));
      const there = await node({ options: { push: deaf }, pollIntervalMs: 500 });
      await until(() => warnings.mock.calls.length === 1);
      const line = 'the push channel cannot be listened to (Error): other nodes see revocations with their next poll';
      expect(warnings.mock.calls).toEqual([[line]]);
      const pair = await here.refresh.signIn('alice');
      await here.refresh.signOut(pair.refreshToken);
      const revokedAt = performance.now();
      await until(() => refuses(there, pair.accessToken));
      expect(performance.now() - revokedAt).toBeLessThan(1_000);
    });

    it('that never listens does not hold up the start', async () => {
      const { node, channel } = world();
      const mute = channel.end();
      mute.listen = hanging;
      const startedAt = performance.now();
      await node({ options: { push: mute } });
      expect(performance.now() - startedAt).toBeLessThan(500);
    });

    it('is closed with the application, and waited for a second at most', async () => {
      const { node, channel } = world();
      const stuck = new (class extends FakePush {
        override close = hanging;
      })(channel);
      const here = await node({ options: { push: stuck } });
      const startedAt = performance.now();
      await here.onModuleDestroy();
      expect(performance.now() - startedAt).toBeGreaterThan(900);
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    });

    it('that cannot be closed does not fail the shutdown', async () => {
      const { node, channel, warnings } = world();
      const end = channel.end();
      end.close = async () => Promise.reject(new Error('already closed'));
      const here = await node({ options: { push: end } });
      await expect(here.onModuleDestroy()).resolves.toBeUndefined();
      const line = 'the push channel cannot be closed (Error): other nodes see revocations with their next poll';
      expect(warnings.mock.calls).toEqual([[line]]);
    });
  });
});
