import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const SOURCES = join(ROOT, 'sample/07-own-repository/src');

/** Text without the differences of indentation. */
const plain = (text: string): string => text.replace(/\s+/g, ' ').trim();

describe('docs/own-repository.md', () => {
  const page = readFileSync(join(ROOT, 'docs/own-repository.md'), 'utf8');
  const tested = [...readdirSync(SOURCES).map((name) => join(SOURCES, name)), join(ROOT, 'test/contract/redis-sample.servers.spec.ts')];
  const sources = plain(tested.map((path) => readFileSync(path, 'utf8')).join('\n'));
  const blocks = [...page.matchAll(/```(?:ts|lua)\n(.*?)```/gs)].map(([, code = '']) => code);

  it('shows nothing but code of the sample and of its tests', () => {
    expect(blocks.length).toBeGreaterThan(3);
    const statements = blocks.flatMap((block) => block.split('\n\n')).map((block) => plain(block));
    expect(statements.filter((statement) => !statement.startsWith('import ') && !sources.includes(statement))).toEqual([]);
  });
});
