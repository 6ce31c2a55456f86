import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const PAGE = readFileSync(join(import.meta.dirname, '..', 'docs', 'requirements.md'), 'utf8');
/** Every row of the page: id, text, and what shows it. */
const ROWS = [...PAGE.matchAll(/^\| ([A-Z]-\d\d) \| (.+?) +\| (.+?) +\|$/gm)].map(([, id = '', text = '', shown = '']) => ({
  id,
  text,
  shown,
}));

const sources = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && name !== 'requirements.spec.ts')
  .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'));
/** Ids in parentheses at the end of a title: `(F-04, F-06)`. */
const named = new Set(
  sources.flatMap((text) => [...text.matchAll(/\((F-\d\d(?:, F-\d\d)*)\)['"`]/g)].flatMap(([, ids = '']) => ids.split(', '))),
);

describe('docs/requirements.md', () => {
  it('has each id once, with a whole sentence', () => {
    expect(ROWS.length).toBeGreaterThan(45);
    expect(new Set(ROWS.map(({ id }) => id)).size).toBe(ROWS.length);
    expect(ROWS.filter(({ text }) => !/^[A-Z`@].*\.$/.test(text))).toEqual([]);
  });

  it('names no id that is shown by tests and has none', () => {
    expect(ROWS.filter(({ id, shown }) => shown === 'tests' && !named.has(id)).map(({ id }) => id)).toEqual([]);
  });

  it('knows every id that a title names', () => {
    expect([...named].filter((id) => !ROWS.some((row) => row.id === id))).toEqual([]);
  });
});
