import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SessionJanitor } from '../support/lib.js';
import { FakeClock, InMemoryTokenRepository } from 'nestjs-token/testing';
import { sessionId } from '../support/access-tokens.js';

const MINUTE = 60_000;

function world(intervalMs: number | null = 10 * MINUTE) {
  const clock = new FakeClock();
  const repository = new InMemoryTokenRepository(clock);
  const janitor = new SessionJanitor(repository, 'default', intervalMs);
  const open = async (count: number, realm = 'default') => {
    for (let n = 0; n < count; n++) {
      const id = `${realm === 'default' ? '' : realm}${sessionId(n)}`;
      await repository.insert({ id, realm, subject: 'alice', idleMs: 1_000, absoluteMs: 1_000, claims: {}, device: {} });
    }
  };
  return { clock, repository, janitor, open };
}

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

describe('SessionJanitor', () => {
  it.each([
    [0, 1],
    [499, 1],
    [500, 2],
    [1_234, 3],
  ])('deletes %i expired sessions in %i passes of at most 500', async (count, passes) => {
    const { clock, repository, janitor, open } = world();
    await open(count);
    clock.advance(1_000);
    const purge = jest.spyOn(repository, 'purge');
    expect(await janitor.purge()).toBe(count);
    expect(purge.mock.calls).toEqual(Array(passes).fill(['default', 500]));
  });

  it('leaves the sessions of other realms and those that live', async () => {
    const { clock, janitor, open } = world();
    await open(3, 'admin');
    clock.advance(1_000);
    await open(2);
    expect(await janitor.purge()).toBe(0);
    clock.advance(999);
    expect(await janitor.purge()).toBe(0);
    clock.advance(1);
    expect(await janitor.purge()).toBe(2);
  });

  it('begins each round between one interval and a fifth more after the last', async () => {
    const { repository, janitor } = world();
    jest.useFakeTimers();
    const purge = jest.spyOn(repository, 'purge');
    janitor.start();
    await jest.advanceTimersByTimeAsync(10 * MINUTE - 1);
    expect(purge).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(2 * MINUTE + 1);
    expect(purge).toHaveBeenCalledTimes(1);
    await jest.advanceTimersByTimeAsync(120 * MINUTE);
    expect(purge.mock.calls.length).toBeGreaterThanOrEqual(11);
    expect(purge.mock.calls.length).toBeLessThanOrEqual(13);
    janitor.stop();
  });

  it('goes on after a failure, which it logs without its message', async () => {
    const { repository, janitor } = world();
    jest.useFakeTimers();
    const warn = jest.spyOn(Logger.prototype, 'warn').mockReturnValue(undefined);
    const purge = jest.spyOn(repository, 'purge').mockRejectedValueOnce(new RangeError('secret text'));
    janitor.start();
    await jest.advanceTimersByTimeAsync(25 * MINUTE);
    expect(purge).toHaveBeenCalledTimes(2);
    expect(warn.mock.calls).toEqual([['expired sessions cannot be deleted: RangeError']]);
    janitor.stop();
  });

  it('never has two rounds under way', async () => {
    const { repository, janitor } = world();
    jest.useFakeTimers();
    const purge = jest.spyOn(repository, 'purge').mockImplementation(() => new Promise(() => undefined));
    janitor.start();
    await jest.advanceTimersByTimeAsync(100 * MINUTE);
    expect(purge).toHaveBeenCalledTimes(1);
    janitor.stop();
  });

  it('stops, also in the middle of a round', async () => {
    const { repository, janitor } = world();
    jest.useFakeTimers();
    let answer: ((deleted: number) => void) | undefined;
    const purge = jest.spyOn(repository, 'purge').mockImplementation(() => new Promise((resolve) => (answer = resolve)));
    janitor.start();
    await jest.advanceTimersByTimeAsync(12 * MINUTE);
    janitor.stop();
    answer?.(0);
    await jest.advanceTimersByTimeAsync(100 * MINUTE);
    expect([purge.mock.calls.length, jest.getTimerCount()]).toEqual([1, 0]);
  });

  it('has no rounds without an interval, and still purges when it is called', async () => {
    const { clock, janitor, open } = world(null);
    jest.useFakeTimers();
    janitor.start();
    expect(jest.getTimerCount()).toBe(0);
    await open(2);
    clock.advance(1_000);
    expect(await janitor.purge()).toBe(2);
  });

  it('keeps no process alive', () => {
    const { janitor } = world();
    const unref = jest.spyOn(Object.getPrototypeOf(setTimeout(() => undefined, 0).unref()) as NodeJS.Timeout, 'unref');
    janitor.start();
    expect(unref).toHaveBeenCalledTimes(1);
    janitor.stop();
  });
});
