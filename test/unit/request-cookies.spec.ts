import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cookieValues } from '../support/lib.js';

describe('The values of a cookie', () => {
  it.each([
    ['__Host-t=a', ['a']],
    ['x=1; __Host-t=a; y=2', ['a']],
    ['x=1;__Host-t=a', ['a']],
    ['__Host-t=a; __Host-t=b', ['a', 'b']],
    ['__Host-t=', ['']],
    ['__Host-t="a; b=c"', ['"a']],
    ['__Host-t=a=b', ['a=b']],
    ['__host-t=a', []],
    ['x=1;  __Host-t=a', []],
    ['x=1; \u00a0__Host-t=a', []],
    ['__Host-t =a', []],
    ['x__Host-t=a', []],
    ['x=__Host-t=a', []],
    ['x=1,__Host-t=a', []],
    ['__Host-t', []],
    ['__Host-tt=a; __Host-t=b', ['b']],
    ['', []],
  ])('COOK-01 COOK-05 COOK-06 of %p are %j', (header, values) => {
    expect(cookieValues(header, '__Host-t')).toEqual(values);
  });

  it('COOK-07 are found among any others, whatever they are called', () => {
    const name = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/);
    const value = fc.stringMatching(/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{0,12}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.oneof(name, fc.constantFrom('t', '__proto__', 'constructor')), value)), (pairs) => {
        const header = pairs.map((pair) => pair.join('=')).join('; ');
        expect(cookieValues(header, 't')).toEqual(pairs.filter(([one]) => one === 't').map(([, own]) => own));
      }),
    );
  });

  it('COOK-08 are found in no more than linear time', () => {
    const startedAt = performance.now();
    cookieValues('t'.repeat(8_000) + '; ' + 't=;'.repeat(4_000), 't');
    cookieValues('t'.repeat(1_000_000), 't');
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });
});
