import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
/** How many requirements a family has; their numbers have no gaps. */
const FAMILIES = {
  ...{ ALG: 14, HDR: 24, CLM: 31, ENC: 15, HTTP: 22, TYPE: 11, INJ: 6, COOK: 10, CSRF: 12 },
  ...{ R: 33, KY: 8, CF: 10, VC: 18, LG: 5, CK: 13, CL: 9 },
  ...{ JV: 16, RR: 18, RV: 9, DS: 8, ER: 7, ST: 8 },
};
const PAGE = readFileSync(join(ROOT, 'docs', 'requirements.md'), 'utf8');
const ROWS = [...PAGE.matchAll(/^\| ([A-Z]+)-(\d\d) +\| .+? +\| (.+?) +\|$/gm)].map(([, family = '', number = '', shown = '']) => ({
  family,
  number: Number(number),
  shown,
}));

/** Runs the check over a root. @returns what it complains of. */
function complaints(root: string): string[] {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, '.ci', 'requirements.mjs'), '--check', root], { encoding: 'utf8' });
  return status === 0 ? [] : stderr.trim().split('\n');
}

describe('docs/requirements.md', () => {
  it('knows every id that a title names, and names the tests of each requirement or why there are none', () => {
    expect(complaints(ROOT)).toEqual([]);
  }, 30_000);

  it.each(Object.entries(FAMILIES))('has all requirements of the family %s: %i', (family, count) => {
    const numbers = ROWS.filter((row) => row.family === family).map(({ number }) => number);
    expect(numbers).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  });

  it('has fifty findings, and no family but these', () => {
    expect(ROWS.filter(({ family }) => family === 'F').length).toBe(50);
    expect(ROWS.filter(({ family }) => family !== 'F' && !(family in FAMILIES))).toEqual([]);
  });

  it('leaves to a later version what concerns the client for browsers, and nothing else', () => {
    const later = ROWS.filter(({ shown }) => shown === 'not in this version').map(({ family, number }) => `${family}-${number}`);
    expect(later.filter((id) => !id.startsWith('CL-'))).toEqual([]);
  });
});

describe('the check of the requirements', () => {
  let root: string;
  const row = (id: string, text: string, tests: string) => `| ${id} | ${text} | ${tests} |\n`;
  const write = (rows: string, test: string): void => {
    writeFileSync(join(root, 'docs', 'requirements.md'), `| id   | requirement | tests |\n| ---- | ----------- | ----- |\n${rows}`);
    writeFileSync(join(root, 'test', 'some.spec.ts'), test);
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'nestjs-token-requirements-'));
    mkdirSync(join(root, 'docs'));
    mkdirSync(join(root, 'test'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('is content with a page that says what the titles say', () => {
    writeFileSync(
      join(root, 'docs', 'requirements.md'),
      '| id   | requirement | tests  |\n| ---- | ----------- | ------ |\n| R-01 | It works.   | `some` |\n',
    );
    writeFileSync(join(root, 'test', 'some.spec.ts'), "it('R-01 works', () => {});");
    expect(complaints(root)).toEqual([]);
  });

  it.each([
    ['an id of a title that is not on the page', row('R-01', 'It works.', ''), "it('R-01/02 works', () => {});", /^R-02 is missing/],
    ['a requirement without a test', row('R-01', 'It works.', '`some`'), '', /^R-01 has no test and no remark/],
    ['an id that stands there twice', row('R-01', 'It works.', 'later').repeat(2), '', /^R-01 stands here twice/],
    ['a requirement that is no sentence', row('R-01', 'works', 'later'), '', /^R-01 is no whole sentence/],
    ['a reference to what has no test', row('R-01', 'It works.', 'see R-02'), '', /^R-01 refers to R-02, which has no test/],
    ['a remark where there is a test', row('R-01', 'It works.', 'later'), "describe('all (R-01)', () => {});", /^docs.* differs/],
    [
      'two titles that are the same',
      row('R-01', 'It works.', '`some`'),
      "it('R-01 works', () => {}); it.each([1])('R-01 works', () => {});",
      /^not unique/,
    ],
  ])('finds %s', (_, rows, test, complaint) => {
    write(rows, test);
    expect(complaints(root)[0]).toMatch(complaint);
  });
});
