import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { RevocationSettings } from '../support/lib.js';
import { RevocationList } from '../support/lib.js';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { codeOf, SESSION_ID, sessionId } from '../support/access-tokens.js';

const HORIZON = 905_000;

function world(mode: 'poll' | 'strict' | 'off' = 'poll', terms: Partial<RevocationSettings> = {}) {
  const clock = new FakeClock();
  const repository = new InMemoryTokenRepository(clock);
  const list = new RevocationList(repository, { realm: 'default', mode, horizonMs: HORIZON, ...terms });
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

/** Lets fake time pass, while somebody shows the node a token four times a second. */
async function inUse(list: RevocationList, milliseconds: number, clock?: FakeClock): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 250) {
    list.isCurrent(performance.now());
    clock?.advance(250);
    await jest.advanceTimersByTimeAsync(250);
  }
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
    expect(revokedSince.mock.calls.map(([realm, from]) => [realm, from])).toEqual([['default', { withinMs: HORIZON + 10_000 }]]);
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
    const now = clock.now();
    const expected = [now - 3_500 - 10_000, now - 3_000 - 10_000];
    expect(revokedSince.mock.calls.map(([, from]) => from)).toEqual(expected.map((revokedAt) => ({ revokedAt, id: '' })));
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

  describe('when many sessions are revoked', () => {
    it('reads them in pages, also those of one instant, each session once (F-14)', async () => {
      const { list, repository, open, revoke, clock } = world('strict', { pageSize: 10 });
      for (let n = 0; n < 95; n++) {
        await open(sessionId(n));
        if (n % 25 === 0) clock.advance(1);
        await revoke(sessionId(n));
      }
      const revokedSince = jest.spyOn(repository, 'revokedSince');
      await list.start();
      expect(Array.from({ length: 95 }, (_, n) => list.has(sessionId(n)))).toEqual(Array.from({ length: 95 }, () => true));
      expect(revokedSince.mock.calls.map(([, , limit]) => limit)).toEqual(Array.from({ length: 10 }, () => 10));
    });

    it('goes on behind the last page that it has read, when one fails, and then looks back from the first one (F-14)', async () => {
      const { list, repository, open, revoke, clock } = world('poll', { pageSize: 10 });
      for (let n = 0; n < 25; n++) {
        await open(sessionId(n));
        clock.advance(1);
        await revoke(sessionId(n));
      }
      const begin = clock.now();
      const revokedSince = jest.spyOn(repository, 'revokedSince');
      revokedSince
        .mockImplementationOnce(InMemoryTokenRepository.prototype.revokedSince.bind(repository))
        .mockRejectedValueOnce(new Error());
      await expect(list.poll()).rejects.toThrow();
      expect([list.has(sessionId(9)), list.has(sessionId(10))]).toEqual([true, false]);
      clock.advance(700);
      await list.poll();
      expect(list.has(sessionId(24))).toBe(true);
      await list.poll();
      expect(revokedSince.mock.calls.map(([, from]) => from)).toEqual([
        { withinMs: HORIZON + 10_000 },
        { id: sessionId(9), revokedAt: begin - 15 },
        { id: sessionId(9), revokedAt: begin - 15 },
        { id: sessionId(19), revokedAt: begin - 5 },
        { id: '', revokedAt: begin - 10_000 },
        { id: sessionId(9), revokedAt: begin - 15 },
        { id: sessionId(19), revokedAt: begin - 5 },
      ]);
    });

    it('finds within a minute what a statement committed that ran longer than the look-back (F-14)', async () => {
      jest.useFakeTimers();
      const { list, clock, open, revoke } = world();
      await open(SESSION_ID);
      await open(sessionId(1));
      await list.start();
      await inUse(list, 300_000, clock);
      clock.advance(-240_000);
      await revoke(SESSION_ID);
      clock.advance(240_000);
      await inUse(list, 59_000, clock);
      expect([list.has(SESSION_ID), list.has(sessionId(1))]).toEqual([true, false]);
      list.stop();
    });

    it('remembers a session no longer because it is read again and again (F-14)', async () => {
      jest.useFakeTimers();
      const { list, clock, open, revoke } = world('poll', { horizonMs: 65_000 });
      await open(SESSION_ID);
      await list.start();
      await revoke(SESSION_ID);
      await inUse(list, 64_000, clock);
      expect(list.has(SESSION_ID)).toBe(true);
      await inUse(list, 3_000, clock);
      expect(list.has(SESSION_ID)).toBe(false);
      list.stop();
    });

    it('looks back further by as long as a statement of the module may wait for a lock (F-14)', async () => {
      const { list, repository } = world('strict', { lockTimeoutMs: 2_500 });
      const revokedSince = jest.spyOn(repository, 'revokedSince');
      await list.start();
      expect(revokedSince.mock.calls.map(([, from]) => from)).toEqual([{ withinMs: HORIZON + 12_500 }]);
    });

    it('misses nothing when the clock of the node stood still, because it compares instants of the store only (F-14)', async () => {
      const { list, clock, open, revoke } = world();
      await open(SESSION_ID);
      await open(sessionId(1));
      await revoke(sessionId(1));
      await list.poll();
      clock.advance(60_000);
      await revoke(SESSION_ID);
      clock.advance(60_000);
      await list.poll();
      expect(list.has(SESSION_ID)).toBe(true);
    });
  });

  describe('on a node that was frozen', () => {
    /** A node that has polled, and then stood still for as long, while a session was revoked elsewhere. */
    async function frozen(milliseconds: number) {
      const { list, repository, clock, open, revoke } = world();
      const clocks = time(clock);
      await open(SESSION_ID);
      await list.start();
      await revoke(SESSION_ID);
      clocks.pass(milliseconds);
      return { list, repository, clocks };
    }

    it('is current for a second after the last poll began, not longer (F-18)', async () => {
      const { list } = await frozen(1_000);
      expect([list.isCurrent(performance.now()), list.isCurrent(performance.now() + 1)]).toEqual([true, false]);
      list.stop();
    });

    it('reads what was revoked meanwhile before it is relied on (F-18)', async () => {
      const { list } = await frozen(60_000);
      expect(list.has(SESSION_ID)).toBe(false);
      await list.catchUp();
      expect([list.has(SESSION_ID), list.isCurrent(performance.now())]).toEqual([true, true]);
      list.stop();
    });

    it('polls once for all who wait (F-18)', async () => {
      const { list, repository } = await frozen(60_000);
      const revokedSince = jest.spyOn(repository, 'revokedSince');
      await Promise.all(Array.from({ length: 100 }, () => list.catchUp()));
      expect(revokedSince).toHaveBeenCalledTimes(1);
      list.stop();
    });

    it('polls a whole interval later for the next time, also if its timer has never polled before (F-18)', async () => {
      jest.useFakeTimers({ doNotFake: ['performance'] });
      const { list, repository } = await frozen(60_000);
      await list.catchUp();
      const revokedSince = jest.spyOn(repository, 'revokedSince');
      await jest.advanceTimersByTimeAsync(499);
      expect(revokedSince).not.toHaveBeenCalled();
      await jest.advanceTimersByTimeAsync(1);
      expect(revokedSince).toHaveBeenCalled();
      list.stop();
    });

    it('polls again when the poll under way began before it was frozen (F-18)', async () => {
      const { list, repository, clocks } = await frozen(600);
      const revokedSince = jest.spyOn(repository, 'revokedSince');
      let answer: (() => void) | undefined;
      revokedSince.mockImplementationOnce(() => new Promise((resolve) => (answer = () => resolve({ sessions: [], at: null }))));
      const underWay = list.poll();
      clocks.pass(60_000);
      const caughtUp = list.catchUp();
      answer?.();
      await Promise.all([underWay, caughtUp]);
      expect([list.has(SESSION_ID), list.isCurrent(performance.now())]).toEqual([true, true]);
      expect(revokedSince).toHaveBeenCalledTimes(2);
      list.stop();
    });

    it('counts as current once a poll has failed, and asks again five seconds later (F-18)', async () => {
      const { list, repository, clocks } = await frozen(60_000);
      jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
      const revokedSince = jest.spyOn(repository, 'revokedSince').mockRejectedValue(new Error('away'));
      await list.catchUp();
      await list.catchUp();
      expect(revokedSince.mock.calls.length).toBeLessThanOrEqual(2);
      expect(list.isCurrent(performance.now() + 5_000)).toBe(true);
      clocks.pass(5_001);
      expect(list.isCurrent(performance.now())).toBe(false);
      list.stop();
    });

    it('waits a second at most for a store that does not answer (F-18)', async () => {
      jest.useFakeTimers();
      const { list, repository } = world();
      await list.start();
      await jest.advanceTimersByTimeAsync(10_000);
      jest.spyOn(repository, 'revokedSince').mockImplementation(() => new Promise(() => undefined));
      let isOver = false;
      const caughtUp = list.catchUp().then(() => (isOver = true));
      await jest.advanceTimersByTimeAsync(999);
      expect(isOver).toBe(false);
      await jest.advanceTimersByTimeAsync(1);
      await caughtUp;
      expect(list.isCurrent(performance.now())).toBe(true);
      list.stop();
    });

    it.each(['strict', 'off'] as const)('reads nothing again in the mode %s, however much time passes (F-18)', async (mode) => {
      const { list, repository, clock } = world(mode);
      const clocks = time(clock);
      await list.start();
      clocks.pass(3_600_000);
      const revokedSince = jest.spyOn(repository, 'revokedSince');
      // With 'strict' the store is asked about every request instead.
      expect(list.isCurrent(performance.now())).toBe(mode === 'off');
      await list.confirm(SESSION_ID, 0).catch(() => undefined);
      expect(revokedSince).not.toHaveBeenCalled();
    });
  });

  describe('on a node to which no token is shown', () => {
    it('is read on while the store fails, so that it is current as soon as the store is back (F-18)', async () => {
      jest.useFakeTimers();
      const { list, repository, open, revoke, clock } = world();
      jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
      jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
      await open(SESSION_ID);
      await list.start();
      const away = jest.spyOn(repository, 'revokedSince').mockRejectedValue(new Error('away'));
      await inUse(list, 4_000, clock);
      await jest.advanceTimersByTimeAsync(6_000);
      away.mockRestore();
      await revoke(SESSION_ID);
      await jest.advanceTimersByTimeAsync(500);
      expect([list.has(SESSION_ID), list.isCurrent(performance.now())]).toEqual([true, true]);
      list.stop();
    });

    it('is polled for every half a minute only, so that a connection pool can become idle (F-40)', async () => {
      jest.useFakeTimers();
      const { list, repository } = world();
      await list.start();
      await jest.advanceTimersByTimeAsync(6_000);
      const revokedSince = jest.spyOn(repository, 'revokedSince');
      await jest.advanceTimersByTimeAsync(24_000);
      expect(revokedSince).not.toHaveBeenCalled();
      await jest.advanceTimersByTimeAsync(6_000);
      expect(revokedSince).toHaveBeenCalled();
      list.stop();
    });

    it('is read before the first token is believed, and is then polled for twice a second again (F-40)', async () => {
      jest.useFakeTimers();
      const { list, repository, open, revoke, clock } = world();
      await open(SESSION_ID);
      await list.start();
      await jest.advanceTimersByTimeAsync(10_000);
      clock.advance(10_000);
      await revoke(SESSION_ID);
      await list.catchUp();
      expect(list.has(SESSION_ID)).toBe(true);
      const revokedSince = jest.spyOn(repository, 'revokedSince');
      await inUse(list, 3_000, clock);
      expect(revokedSince).toHaveBeenCalledTimes(6);
      list.stop();
    });
  });

  describe("in the mode 'poll'", () => {
    it('polls every half a second, and says once that it cannot and once that it can again', async () => {
      jest.useFakeTimers();
      const { list, repository } = world();
      const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
      const log = jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
      await list.start();
      const revokedSince = jest.spyOn(repository, 'revokedSince').mockRejectedValue(new TypeError('secret text'));
      await inUse(list, 5_000);
      expect(revokedSince).toHaveBeenCalledTimes(10);
      expect(warn.mock.calls).toEqual([['revocations cannot be read: TypeError']]);
      expect(log).not.toHaveBeenCalled();
      revokedSince.mockRestore();
      await inUse(list, 5_000);
      expect(log.mock.calls).toEqual([['revocations are being read again']]);
      expect(warn).toHaveBeenCalledTimes(1);
      list.stop();
    });

    it('says again that it cannot, the next time', async () => {
      jest.useFakeTimers();
      const { list, repository } = world();
      const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
      jest.spyOn(Logger.prototype, 'log').mockReturnValue(undefined);
      await list.start();
      for (let outage = 0; outage < 2; outage++) {
        const away = jest.spyOn(repository, 'revokedSince').mockRejectedValue(new Error('away'));
        await inUse(list, 2_000);
        away.mockRestore();
        await inUse(list, 2_000);
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
      jest.useFakeTimers();
      const { list, repository } = world();
      await list.start();
      const answers: (() => void)[] = [];
      jest
        .spyOn(repository, 'revokedSince')
        .mockImplementation(() => new Promise((resolve) => answers.push(() => resolve({ sessions: [], at: null }))));
      await inUse(list, 10_000);
      expect(answers).toHaveLength(1);
      answers[0]!();
      await inUse(list, 500);
      expect(answers).toHaveLength(2);
      list.stop();
    });

    it('stops, also in the middle of a poll', async () => {
      jest.useFakeTimers();
      const { list, repository } = world();
      await list.start();
      let answer: (() => void) | undefined;
      const revokedSince = jest
        .spyOn(repository, 'revokedSince')
        .mockImplementation(() => new Promise((resolve) => (answer = () => resolve({ sessions: [], at: null }))));
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
      expect(world().list.isCurrent(performance.now())).toBe(true);
    });
  });

  describe("in the mode 'strict'", () => {
    it('is never relied on without asking the store', () => {
      expect(world('strict').list.isCurrent(performance.now())).toBe(false);
    });

    it('polls once, at the start', async () => {
      jest.useFakeTimers();
      const { list, repository } = world('strict');
      const revokedSince = jest.spyOn(repository, 'revokedSince');
      await list.start();
      await jest.advanceTimersByTimeAsync(5_000);
      expect(revokedSince).toHaveBeenCalledTimes(1);
    });

    it('confirms a live session, and no revoked, unknown or foreign one', async () => {
      const { list, open, revoke } = world('strict');
      for (const [n, realm] of [[1], [2], [3, 'admin']] as [number, string?][]) await open(sessionId(n), realm);
      await revoke(sessionId(2));
      const verdicts = [1, 2, 3, 4].map((n) => codeOf(() => list.confirm(sessionId(n), 0)));
      expect(await Promise.all(verdicts)).toEqual(['none', 'token_revoked', 'token_revoked', 'token_revoked']);
    });

    it('fails closed with store_unavailable, never with 401, while the store is away', async () => {
      const { list, repository, open } = world('strict');
      await open(SESSION_ID);
      jest.spyOn(repository, 'find').mockRejectedValueOnce(new Error('away'));
      expect(await codeOf(() => list.confirm(SESSION_ID, 0))).toBe('store_unavailable');
      expect(await codeOf(() => list.confirm(SESSION_ID, 0))).toBe('none');
    });
  });

  describe("in the mode 'off'", () => {
    it('asks the store nothing and knows its own revocations', async () => {
      jest.useFakeTimers();
      const { list, repository } = world('off');
      const revokedSince = jest.spyOn(repository, 'revokedSince');
      await list.start();
      await jest.advanceTimersByTimeAsync(5_000);
      list.add([SESSION_ID]);
      expect([revokedSince.mock.calls.length, list.has(SESSION_ID), list.isCurrent(performance.now())]).toEqual([0, true, true]);
    });
  });
});
