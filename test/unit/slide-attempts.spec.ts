import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { FakeClock } from 'nestjs-token/testing';
import { inspect } from 'node:util';
import { SlideAttempts } from '../support/lib.js';

const never = () => new Promise<string>(() => undefined);

function withResolvers(): { promise: Promise<string>; resolve: (value: string) => void; reject: (error: Error) => void } {
  let [resolve, reject]: [(value: string) => void, (error: Error) => void] = [() => undefined, () => undefined];
  const promise = new Promise<string>((...settle) => ([resolve, reject] = settle));
  return { promise, resolve, reject };
}

describe('SlideAttempts', () => {
  let clock: FakeClock;
  let attempts: SlideAttempts<string>;
  let overdue = 0;
  beforeEach(() => {
    jest.useFakeTimers();
    overdue = 0;
    clock = new FakeClock();
    attempts = new SlideAttempts(clock, () => overdue++);
  });
  afterEach(() => {
    jest.useRealTimers();
  });
  /** Time goes by for the clock and for the timers. */
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms);
    await jest.advanceTimersByTimeAsync(ms);
  };

  it('begins one attempt for each token a second, however many other tokens come in between', async () => {
    const begun: string[] = [];
    const ask = (jti: string) => attempts.share(jti, async () => (begun.push(jti), jti));
    await ask('a');
    await pass(999);
    await ask('b');
    await ask('a');
    expect(begun).toEqual(['a', 'b']);
    await pass(1);
    await ask('a');
    await ask('b');
    expect(begun).toEqual(['a', 'b', 'a']);
  });

  it('gives up the wait after a second, once for all requests, and asks again ten seconds after it began', async () => {
    const begin = jest.fn(never);
    const results = [attempts.share('a', begin), attempts.share('a', begin)];
    await pass(999);
    expect(overdue).toBe(0);
    await pass(1);
    expect([await Promise.all(results), overdue]).toEqual([[null, null], 1]);
    await pass(8_999);
    expect([await attempts.share('a', begin), begin.mock.calls.length]).toEqual([null, 1]);
    await pass(1);
    void attempts.share('a', begin);
    expect([begin.mock.calls.length, attempts.size]).toEqual([2, 1]);
  });

  it('shares for a second what is done late', async () => {
    const { promise, resolve } = withResolvers();
    const first = attempts.share('a', () => promise);
    await pass(5_000);
    expect(await first).toBeNull();
    resolve('late');
    await pass(999);
    expect(await attempts.share('a', never)).toBe('late');
    await pass(1);
    expect(await attempts.share('a', async () => 'next')).toBe('next');
  });

  it('shares a failure for a second, and handles one that comes late', async () => {
    const { promise, reject } = withResolvers();
    const first = attempts.share('a', () => promise);
    await pass(1_000);
    reject(new Error('failed'));
    expect(await first).toBeNull();
    await pass(999);
    await expect(attempts.share('a', never)).rejects.toThrow('failed');
  });

  it('shares nothing with a token of another second when the clock is set back', async () => {
    expect(await attempts.share('a', async () => 'first')).toBe('first');
    clock.advance(-3_600_000);
    expect(await attempts.share('a', async () => 'second')).toBe('second');
  });

  it('holds a result for no longer than a second, and never more attempts than it may', async () => {
    for (let index = 0; index < 10_005; index++) void attempts.share(String(index), never);
    expect(attempts.size).toBe(10_000);
    const begin = jest.fn(async () => 'secret');
    void attempts.share('10004', begin);
    expect(begin).not.toHaveBeenCalled();
    expect(await attempts.share('0', begin)).toBe('secret');
    expect(attempts.size).toBe(10_000);
    expect(inspect(attempts, { depth: 9, showHidden: true })).not.toContain('secret');
    await pass(1_000);
    expect(attempts.size).toBe(9_999);
  });
});
