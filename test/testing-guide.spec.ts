import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8');
const GUIDE = read('docs', 'testing.md');
const PROJECTS = join('.ci', 'scratch', 'testing');
/** What `.ci/run` runs, except what the projects install and how they compile. */
const FILES = readdirSync(join(ROOT, PROJECTS), { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.[jt]s$/.test(path))
  .map((path) => ({ path, text: read(PROJECTS, path) }));

describe('docs/testing.md', () => {
  const examples = blocks('ts|js', GUIDE);

  it('shows nothing but code that CI runs', () => {
    expect(examples.length).toBeGreaterThan(10);
    expect(examples.filter((example) => !FILES.some(({ text }) => text.includes(example)))).toEqual([]);
  });

  it('shows every file that CI runs, whole or test by test', () => {
    const shown = FILES.filter(({ path, text }) => examples.includes(text) || path === 'sessions.spec.ts').map(({ path }) => path);
    expect(shown.sort()).toEqual(FILES.map(({ path }) => path).sort());
    const tests = read(PROJECTS, 'sessions.spec.ts').match(/^it\([^]*?^}\);\n/gm) ?? [];
    expect(tests.length).toBeGreaterThan(5);
    expect(tests.filter((text) => !examples.includes(text))).toEqual([]);
  });

  it('shows the commands that run Jest and node:test', () => {
    const manifests = ['jest', 'node'].map((project) => read(PROJECTS, 'nest12', project, 'package.json'));
    expect(blocks('json', GUIDE)).toEqual(manifests);
  });

  it('lets Jest compile every dependency that is an ES module (F-41)', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
    const modules = Object.keys(dependencies).filter(
      (name) => (JSON.parse(read('node_modules', name, 'package.json')) as { type?: string }).type === 'module',
    );
    expect(GUIDE).toContain(`(?!(${['nestjs-token', ...modules].join('|')})/)`);
  });
});

/** The fenced blocks of a language, in order. */
function blocks(language: string, page: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`(?:${language})\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text]) => text ?? '');
}
