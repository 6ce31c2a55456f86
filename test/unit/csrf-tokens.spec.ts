import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createSecretKey, randomBytes, randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import type { DerivedKey } from '../support/lib.js';
import { CsrfTokens } from '../support/lib.js';

const key = (kid: number): DerivedKey => ({ kid, key: createSecretKey(randomBytes(32)) });
const ring = (signing: DerivedKey, ...others: DerivedKey[]): CsrfTokens =>
  new CsrfTokens({ signing, verifying: new Map([signing, ...others].map((one) => [one.kid, one])) });

describe('CSRF tokens', () => {
  const [first, second] = [key(1), key(2)];
  const tokens = ring(first);

  it('CK-09 are different each time, and good for their session alone', () => {
    const [session, other] = [randomUUID(), randomUUID()];
    const issued = Array.from({ length: 100 }, () => tokens.issue(session));
    expect(new Set(issued).size).toBe(100);
    expect(issued.every((token) => tokens.verify(token, session))).toBe(true);
    expect(issued.some((token) => tokens.verify(token, other))).toBe(false);
    expect(issued.some((token) => ring(first).verify(token, other))).toBe(false);
  });

  it('KY-07 are not good under another key, and stay good while their key verifies', () => {
    const token = ring(first).issue('s');
    expect([
      ring(second).verify(token, 's'),
      ring(second, first).verify(token, 's'),
      ring({ ...second, kid: 1 }).verify(token, 's'),
    ]).toEqual([false, true, false]);
  });

  it('CSRF-04 refuse every change, also of a token that is known already', () => {
    const token = tokens.issue('s');
    expect(tokens.verify(token, 's')).toBe(true);
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.constantFrom('A', 'b', 'Z', '0', '_', '-', '.', ' ', 'é', '\0'), (at, letter) => {
        const changed = token.slice(0, at) + letter + token.slice(at + 1);
        return changed === token || !tokens.verify(changed, 's');
      }),
      { numRuns: 2_000 },
    );
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !tokens.verify(text, 's')));
    expect([undefined, '', token.slice(1), `${token}A`, token.toUpperCase()].some((wrong) => tokens.verify(wrong, 's'))).toBe(false);
  });

  it('show neither keys nor known tokens', () => {
    const token = tokens.issue('s');
    tokens.verify(token, 's');
    expect(inspect(tokens, { depth: 9, showHidden: true })).not.toContain(token);
  });
});
