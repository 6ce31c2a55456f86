import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { RevocationList } from '../../lib/session/revocation-list.js';
import { FakeClock } from '../../lib/testing/fake-clock.js';
import { InMemoryTokenRepository } from '../../lib/testing/in-memory-token.repository.js';
import { codeOf, SESSION_ID, sessionId } from '../support/access-tokens.js';

const HORIZON = 905_000;

function world(mode: 'poll' | 'strict' | 'off' = 'poll') {
  const clock = new FakeClock();
  const repository = new InMemoryTokenRepository(clock);
  const list = new RevocationList(repository, { realm: 'default', mode, horizonMs: HORIZON });
  const open = async (id: string, realm = 'default') =>
    repository.insert({ id, realm, subject: 'alice', idleMs: 1e9, absoluteMs: 1e9, claims: {}, device: {} });
  const revoke = (id: string, realm = 'default') => repository.revoke({ realm, id }, 'admin');
  return { clock, repository, list, open, revoke };
}

/** Moves `performance.now()` and the store's clock together. */
function time(clock: FakeClock): { pass(milliseconds: number): void } {
  let monotonic = 1_000_000;
  jest.spyOn(performance, 'now').mockImplementation(() => monotonic);
  return {
    pass(milliseconds) {
      monotonic += milliseconds;
      clock.advance(milliseconds);
    },
  };
}

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

describe('RevocationList', () => {
  it("knows this node's revocations at once", () => {
    const { list } = world();
    list.add([SESSION_ID]);
    expect([list.has(SESSION_ID), list.has(sessionId(1))]).toEqual([true, false]);
  });

  it("learns of another node's revocations with the next poll", async () => {
    const { list, open, revoke } = world();
    await open(SESSION_ID);
    await list.poll();
    await revoke(SESSION_ID);
    expect(list.has(SESSION_ID)).toBe(false);
    await list.poll();
    expect(list.has(SESSION_ID)).toBe(true);
  });

  it('learns nothing of another realm', async () => {
    const { list, open, revoke } = world();
    await open(SESSION_ID, 'admin');
    await revoke(SESSION_ID, 'admin');
    await list.poll();
    expect(list.has(SESSION_ID)).toBe(false);
  });

  it('reads back the whole horizon and 10 s when it starts', async () => {
    const { list, repository } = world('strict');
    const revokedSince = jest.spyOn(repository, 'revokedSince');
    await list.start();
    expect(revokedSince.mock.calls).toEqual([['default', HORIZON + 10_000]]);
  });

  it('knows after a restart what was revoked before', async () => {
    const { repository, open, revoke, clock } = world();
    await open(SESSION_ID);
    await revoke(SESSION_ID);
    clock.advance(HORIZON - 1);
    const restarted = new RevocationList(repository, { realm: 'default', mode: 'strict', horizonMs: HORIZON });
    await restarted.start();
    expect(restarted.has(SESSION_ID)).toBe(true);
  });

  it('looks back 10 s further than the last poll, for commits that arrive late', async () => {
    const { list, repository, clock } = world();
    const clocks = time(clock);
    await list.poll();
    const revokedSince = jest.spyOn(repository, 'revokedSince');
    clocks.pass(500);
    await list.poll();
    clocks.pass(3_000);
    await list.poll();
    expect(revokedSince.mock.calls.map(([, within]) => within)).toEqual([10_500, 13_000]);
  });

  it('finds a revocation that was dated before the last poll and committed after it', async () => {
    const { list, clock, open, revoke } = world();
    const clocks = time(clock);
    await open(SESSION_ID);
    clocks.pass(60_000);
    await list.poll();
    clock.advance(-9_000);
    await revoke(SESSION_ID);
    clock.advance(9_000);
    clocks.pass(500);
    await list.poll();
    expect(list.has(SESSION_ID)).toBe(true);
  });

  it('catches up with all that was revoked while the store was away', async () => {
    const { list, repository, clock, open, revoke } = world();
    const clocks = time(clock);
    await open(SESSION_ID);
    await list.poll();
    await revoke(SESSION_ID);
    const away = jest.spyOn(repository, 'revokedSince').mockRejectedValue(new Error('away'));
    for (let minute = 0; minute < 10; minute++) {
      clocks.pass(60_000);
      await expect(list.poll()).rejects.toThrow('away');
    }
    away.mockRestore();
    await list.poll();
    expect(list.has(SESSION_ID)).toBe(true);
  });

  it('forgets a session when none of its access tokens can be alive, not before', async () => {
    const { list, clock } = world();
    const clocks = time(clock);
    list.add([SESSION_ID]);
    clocks.pass(HORIZON - 1);
    await list.poll();
    expect(list.has(SESSION_ID)).toBe(true);
    clocks.pass(1);
    await list.poll();
    expect(list.has(SESSION_ID)).toBe(false);
  });

  it('remembers a session for the whole horizon after the last time it was added', async () => {
    const { list, clock } = world();
    const clocks = time(clock);
    list.add([SESSION_ID, sessionId(1)]);
    clocks.pass(HORIZON - 1);
    list.add([SESSION_ID]);
    clocks.pass(1);
    await list.poll();
    expect([list.has(SESSION_ID), list.has(sessionId(1))]).toEqual([true, false]);
  });

  it.each(['poll', 'strict', 'off'] as const)('stays small in the mode %s however many sessions end', async (mode) => {
    const { list, clock } = world(mode);
    const clocks = time(clock);
    for (let n = 0; n < 200; n++) {
      list.add([sessionId(n)]);
      clocks.pass(HORIZON / 10);
      if (mode === 'poll') await list.poll();
    }
    expect(Array.from({ length: 200 }, (_, n) => sessionId(n)).filter((id) => list.has(id)).length).toBeLessThanOrEqual(11);
  });

  describe("in the mode 'poll'", () => {
    it('polls every half a second, and says once that it cannot and once that it can again', async () => {
      const { list, repository } = world();
      jest.useFakeTimers();
      const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
      const log = jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
      await list.start();
      const revokedSince = jest.spyOn(repository, 'revokedSince').mockRejectedValue(new TypeError('secret text'));
      await jest.advanceTimersByTimeAsync(5_000);
      expect(revokedSince).toHaveBeenCalledTimes(10);
      expect(warn.mock.calls).toEqual([['revocations cannot be read: TypeError']]);
      expect(log).not.toHaveBeenCalled();
      revokedSince.mockRestore();
      await jest.advanceTimersByTimeAsync(5_000);
      expect(log.mock.calls).toEqual([['revocations are being read again']]);
      expect(warn).toHaveBeenCalledTimes(1);
      list.stop();
    });

    it('says again that it cannot, the next time', async () => {
      const { list, repository } = world();
      jest.useFakeTimers();
      const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
      jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
      await list.start();
      for (let outage = 0; outage < 2; outage++) {
        const away = jest.spyOn(repository, 'revokedSince').mockRejectedValue(new Error('away'));
        await jest.advanceTimersByTimeAsync(2_000);
        away.mockRestore();
        await jest.advanceTimersByTimeAsync(2_000);
      }
      expect(warn).toHaveBeenCalledTimes(2);
      list.stop();
    });

    it('keeps serving what it knows while the store is away', async () => {
      const { list, repository } = world();
      list.add([SESSION_ID]);
      jest.spyOn(repository, 'revokedSince').mockRejectedValue(new Error('away'));
      await list.poll().catch(() => undefined);
      expect(list.has(SESSION_ID)).toBe(true);
    });

    it('never has two polls under way', async () => {
      const { list, repository } = world();
      jest.useFakeTimers();
      await list.start();
      const answers: (() => void)[] = [];
      jest.spyOn(repository, 'revokedSince').mockImplementation(() => new Promise((resolve) => answers.push(() => resolve([]))));
      await jest.advanceTimersByTimeAsync(10_000);
      expect(answers).toHaveLength(1);
      answers[0]!();
      await jest.advanceTimersByTimeAsync(500);
      expect(answers).toHaveLength(2);
      list.stop();
    });

    it('stops, also in the middle of a poll', async () => {
      const { list, repository } = world();
      jest.useFakeTimers();
      await list.start();
      let answer: (() => void) | undefined;
      const revokedSince = jest
        .spyOn(repository, 'revokedSince')
        .mockImplementation(() => new Promise((resolve) => (answer = () => resolve([]))));
      await jest.advanceTimersByTimeAsync(500);
      list.stop();
      answer?.();
      await jest.advanceTimersByTimeAsync(5_000);
      expect(revokedSince).toHaveBeenCalledTimes(1);
      expect(jest.getTimerCount()).toBe(0);
    });

    it('does not start when the store does not answer', async () => {
      const { list, repository } = world();
      jest.spyOn(repository, 'revokedSince').mockRejectedValue(new Error('away'));
      await expect(list.start()).rejects.toThrow('away');
    });

    it('does not ask for the store on a request', () => {
      expect(world().list.isStrict).toBe(false);
    });
  });

  describe("in the mode 'strict'", () => {
    it('says so', () => {
      expect(world('strict').list.isStrict).toBe(true);
    });

    it('polls once, at the start', async () => {
      const { list, repository } = world('strict');
      jest.useFakeTimers();
      const revokedSince = jest.spyOn(repository, 'revokedSince');
      await list.start();
      await jest.advanceTimersByTimeAsync(5_000);
      expect(revokedSince).toHaveBeenCalledTimes(1);
    });

    it('confirms a live session, and no revoked, unknown or foreign one', async () => {
      const { list, open, revoke } = world('strict');
      for (const [n, realm] of [[1], [2], [3, 'admin']] as [number, string?][]) await open(sessionId(n), realm);
      await revoke(sessionId(2));
      const verdicts = [1, 2, 3, 4].map((n) => codeOf(() => list.confirm(sessionId(n))));
      expect(await Promise.all(verdicts)).toEqual(['none', 'token_revoked', 'token_revoked', 'token_revoked']);
    });

    it('fails closed with store_unavailable, never with 401, while the store is away', async () => {
      const { list, repository, open } = world('strict');
      await open(SESSION_ID);
      jest.spyOn(repository, 'find').mockRejectedValueOnce(new Error('away'));
      expect(await codeOf(() => list.confirm(SESSION_ID))).toBe('store_unavailable');
      expect(await codeOf(() => list.confirm(SESSION_ID))).toBe('none');
    });
  });

  describe("in the mode 'off'", () => {
    it('asks the store nothing and knows its own revocations', async () => {
      const { list, repository } = world('off');
      jest.useFakeTimers();
      const revokedSince = jest.spyOn(repository, 'revokedSince');
      await list.start();
      await jest.advanceTimersByTimeAsync(5_000);
      list.add([SESSION_ID]);
      expect([revokedSince.mock.calls.length, list.has(SESSION_ID), list.isStrict]).toEqual([0, true, false]);
    });
  });
});
