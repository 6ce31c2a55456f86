import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CATALOGUE, NOT_APPLICABLE } from './catalogue.js';

const ID = /\b(?:ALG|HDR|CLM|ENC|HTTP|COOK|TYPE|CSRF|INJ)-\d\d\b/;
/** The title of a test: the first text behind `it(`, or behind `it.each(…)(`. */
const TITLE = /^\s*(?:it\(|it\.each.*\)\(|\]\)\(|\)\(|)(['"`])((?:ALG|HDR|CLM|ENC|HTTP|COOK|TYPE|CSRF|INJ)-\d\d .*?)\1,/gm;

const folder = import.meta.dirname;
const titles = readdirSync(folder)
  .filter((name) => name.endsWith('.spec.ts'))
  .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(TITLE)].map(([, , title = '']) => ({ name, title })));
const covered = new Set(titles.map(({ title }) => ID.exec(title)![0]));

describe('the catalogue of bad inputs', () => {
  it('has 145 rows, each once', () => {
    expect([CATALOGUE.length, new Set(CATALOGUE).size]).toEqual([145, 145]);
  });

  it('is covered by a test title for every row, save for those that name a reason', () => {
    expect(CATALOGUE.filter((id) => !covered.has(id) && !NOT_APPLICABLE.has(id))).toEqual([]);
  });

  it('names a reason for no row that is covered, nor for one that does not exist', () => {
    expect([...NOT_APPLICABLE.keys()].filter((id) => covered.has(id) || !CATALOGUE.includes(id))).toEqual([]);
    expect([...NOT_APPLICABLE.values()].filter((reason) => reason.length < 20)).toEqual([]);
  });

  it('knows every id that a title names', () => {
    expect([...covered].filter((id) => !CATALOGUE.includes(id))).toEqual([]);
  });

  it('has titles that are unique in their files', () => {
    const all = titles.map(({ name, title }) => `${name}: ${title}`);
    expect(all.filter((title, index) => all.indexOf(title) !== index)).toEqual([]);
  });
});
