import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAULTS } from './catalogue.js';

/** The title of a test: the text behind `it(` or behind `it.each(…)(`. */
const TITLE = /\bit(?:\.each\(.*?\))?\(\s*(['"`])(R-\d\d .*?)\1,/gs;

const titles = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(spec|fault)\.ts$/.test(name) && !name.startsWith('coverage'))
  .flatMap((name) => [...readFileSync(join(import.meta.dirname, name), 'utf8').matchAll(TITLE)].map(([, , title = '']) => title));
const covered = new Set(titles.map((title) => title.slice(0, 4)));

describe('the catalogue of faults', () => {
  it('has 33 rows, each once', () => {
    expect([FAULTS.length, new Set(FAULTS).size]).toEqual([33, 33]);
  });

  it('is covered by a test title for every row', () => {
    expect(FAULTS.filter((id) => !covered.has(id))).toEqual([]);
  });

  it('knows every id that a title names', () => {
    expect([...covered].filter((id) => !FAULTS.includes(id))).toEqual([]);
  });

  it('has titles that are unique', () => {
    expect(titles.filter((title, index) => titles.indexOf(title) !== index)).toEqual([]);
  });
});
