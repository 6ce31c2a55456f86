import { describe, expect, it } from '@jest/globals';
import * as library from 'nestjs-token';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const SOURCE = readFileSync(join(import.meta.dirname, '../../lib/errors/token.errors.ts'), 'utf8');
const CLASSES = [...SOURCE.matchAll(/^export class (\w+) extends TokenError [^]*?^}/gm)].map(([text, name]) => ({
  name,
  declared: /declare readonly errorCode: '(\w+)'/.exec(text)?.[1],
  given: /super\('(\w+)'/.exec(text)?.[1],
}));

describe('the classes of token errors', () => {
  it('are one for each code', () => {
    expect(CLASSES.map(({ given }) => given).sort()).toEqual(Object.keys(library.TOKEN_ERRORS).sort());
  });

  it.each(CLASSES)('$name has the code that its declaration promises', ({ declared, given }) => {
    expect(declared).toBe(given);
  });

  it('leave the code where the base class has put it', () => {
    expect(new library.TokenMissing().errorCode).toBe('token_missing');
  });
});
