import { describe, expect, it } from '@jest/globals';
import { FakeClock } from 'nestjs-token/testing';

describe('FakeClock', () => {
  it('starts at midnight of 1 January 2030, UTC, or where it is told to', () => {
    expect(new FakeClock().now()).toBe(Date.parse('2030-01-01T00:00:00Z'));
    expect(new FakeClock(5).now()).toBe(5);
  });

  it('stands still until it is moved', () => {
    const clock = new FakeClock();
    expect(clock.now()).toBe(clock.now());
  });

  it('takes a number as milliseconds and a text as a duration', () => {
    const clock = new FakeClock(0);
    expect(clock.advance(1)).toBe(1);
    expect(clock.advance('2s')).toBe(2_001);
    expect(clock.now()).toBe(2_001);
  });

  it('moves back as well, by a span or to an instant', () => {
    const clock = new FakeClock(1_000);
    expect(clock.advance(-1)).toBe(999);
    expect(clock.set(10)).toBe(10);
    expect(clock.now()).toBe(10);
  });

  it('refuses what is not a whole number of milliseconds, and stays where it is', () => {
    const clock = new FakeClock(0);
    expect(() => clock.advance(0.5)).toThrow(TypeError);
    expect(() => clock.set(NaN)).toThrow(TypeError);
    expect(() => clock.advance('900' as '900s')).toThrow(TypeError);
    expect(() => new FakeClock(Infinity)).toThrow(TypeError);
    expect(clock.now()).toBe(0);
  });
});
