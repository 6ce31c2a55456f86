import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { inspect } from 'node:util';
import { RecentTokens } from '../support/lib.js';

const TOKEN = 'head.payload.signature-of-it';

describe('RecentTokens', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('knows a token by all of its characters', () => {
    const recent = new RecentTokens<string>(10);
    recent.set(TOKEN, 'known');
    expect(recent.get(TOKEN)).toBe('known');
    for (let index = 0; index < TOKEN.length; index++) {
      const other = `${TOKEN.slice(0, index)}~${TOKEN.slice(index + 1)}`;
      expect([index, recent.get(other)]).toEqual([index, undefined]);
    }
    for (const other of [`x${TOKEN}`, TOKEN.slice(1), `${TOKEN}=`, TOKEN.slice(0, -1), '', 'a']) expect(recent.get(other)).toBeUndefined();
  });

  it('keeps tokens apart that end alike: the later one stays', () => {
    const recent = new RecentTokens<string>(10);
    recent.set(`a.${TOKEN}`, 'a');
    recent.set(`b.${TOKEN}`, 'b');
    expect([recent.get(`a.${TOKEN}`), recent.get(`b.${TOKEN}`)]).toEqual([undefined, 'b']);
  });

  it('VC-14 holds no token longer than a second, however often it comes', () => {
    const recent = new RecentTokens<string>(10);
    recent.set(TOKEN, 'known');
    jest.advanceTimersByTime(999);
    recent.set(TOKEN, 'known');
    expect(recent.size).toBe(1);
    jest.advanceTimersByTime(1);
    expect(recent.size).toBe(0);
    expect(recent.get(TOKEN)).toBeUndefined();
    recent.set(TOKEN, 'again');
    jest.advanceTimersByTime(1_000);
    expect(recent.size).toBe(0);
  });

  it('VC-13 leaves no timer behind when it is cleared or empty', () => {
    const recent = new RecentTokens<string>(10);
    recent.set(TOKEN, 'known');
    expect(jest.getTimerCount()).toBe(1);
    recent.clear();
    expect([recent.size, jest.getTimerCount()]).toEqual([0, 0]);
    recent.set(TOKEN, 'known');
    jest.advanceTimersByTime(1_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('VC-10 never holds more tokens than it may', () => {
    const recent = new RecentTokens<number>(16);
    let most = 0;
    for (let n = 0; n < 100; n++) {
      recent.set(`token-${n}`, n);
      expect(recent.get(`token-${n}`)).toBe(n);
      most = Math.max(most, recent.size);
    }
    expect(most).toBe(16);
  });

  it('VC-14 shows no token to inspect() or JSON', () => {
    const recent = new RecentTokens<string>(10);
    recent.set(TOKEN, 'known');
    expect(inspect(recent, { depth: 9, showHidden: true }) + JSON.stringify(recent)).not.toContain('signature-of-it');
  });
});
