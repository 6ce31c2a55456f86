import { describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(import.meta.dirname, '..');
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8');
const README = read('README.md');
const GUIDE = read('docs', 'integration.md');
const QUICK_START = ['sample', '01-quickstart', 'src'];

describe('README.md', () => {
  const examples = blocks('ts', README);

  it('has at most 200 lines', () => {
    expect(README.trimEnd().split('\n').length).toBeLessThanOrEqual(200);
  });

  it('begins with the two commands', () => {
    expect(blocks('sh', README)[0]?.split('\n').slice(0, 2)).toEqual([
      expect.stringMatching(/^npm ci && npm start\b/),
      expect.stringMatching(/^npm ci && npm test\b/),
    ]);
  });

  it('shows the code of the quick start as it is', () => {
    expect(examples).toEqual([read(...QUICK_START, 'app.module.ts')]);
  });

  it('has a quick start of about thirty lines, not counting blank ones', () => {
    expect(examples[0]?.match(/^.+$/gm)?.length).toBeLessThanOrEqual(35);
  });

  it('has examples that compile against the package as it is, and so has the guide', () => {
    const complete = blocks('ts', GUIDE).filter((text) => text.startsWith('import '));
    expect(complete).toHaveLength(3);
    expect(problemsOf([...examples, ...complete, PRINCIPAL_IN_USE])).toEqual([]);
  }, 60_000);

  it('would notice an example that does not compile', () => {
    expect(
      problemsOf([
        `import { TokenModule } from 'nestjs-token'; TokenModule.forRoot({ issuer: 'https://api.example.com', lifetime: '15m' });`,
      ]),
    ).not.toEqual([]);
  }, 60_000);

  it('quotes the results of the benchmarks as they are', () => {
    const speed = (README.match(/^\*\*Speed\*\*[^]*?\n\n/m) ?? [''])[0].replaceAll('\n', ' ');
    const [express, fastify] = [result('guard', 'express'), result('guard', 'fastify')];
    expect(speed).toContain(`${rounded(express.at(-2), 2)} (Express) and ${rounded(fastify.at(-2), 2)} (Fastify) of an open one `);
    expect(speed).toContain(`${rounded(express.at(-1), 0)} and ${rounded(fastify.at(-1), 0)} times one behind `);
    expect(speed).toContain(`${rounded(result('refresh', 'recipe, sha-256').at(-2), 1)} times find-compare-save`);
    const bare = result('refresh', 'bare Fastify route, bare driver, prepared statement');
    expect(speed).toContain(`${rounded(bare.at(-2), 2)} of a bare Fastify route with the same prepared statement`);
    expect(speed).toContain(`${rounded(result('scale', '10,000,000').at(-2), 2)} times that at 10,000`);
  });

  it('links to files that exist', () => {
    const targets = [...README.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, target]) => target ?? '');
    expect(targets.filter((target) => !existsSync(join(ROOT, target)))).toEqual([]);
  });
});

describe('CONTRIBUTING.md', () => {
  it('lists every script of package.json', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const [page, hooks] = [read('CONTRIBUTING.md'), /^pre(pack|start|demo)/];
    const names = Object.keys(scripts).filter((name) => !hooks.test(name));
    expect(names.filter((name) => !page.includes(`| \`npm ${/^(start|test)$/.test(name) ? name : `run ${name}`}\` `))).toEqual([]);
  });
});

/** The cells of a row of a benchmark's table, by its first cell. */
function result(bench: string, row: string): string[] {
  return (
    read('bench', 'results', `${bench}.md`)
      .split('\n')
      .find((line) => line.startsWith(`| ${row} |`)) ?? ''
  )
    .split('|')
    .slice(1, -1);
}

const rounded = (figure: string | undefined, digits: number) => Number(figure).toFixed(digits);

/** The fenced blocks of a language, in order. */
function blocks(language: string, page: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, text]) => text ?? '');
}

/** A use of the claims that the guide declares. */
const PRINCIPAL_IN_USE = `import type { Principal, TokenRequest } from 'nestjs-token';
  export const rolesOf = (user: Principal): string[] => user.roles;
  export const rolesOfRequest = ({ user }: TokenRequest): string[] => user?.roles ?? [];`;

/** What the compiler says of modules in the root of the repository, under its own settings. */
function problemsOf(sources: readonly string[]): string[] {
  const config = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, ROOT, { noEmit: true });
  const files = new Map(sources.map((text, index) => [join(ROOT, `readme-example-${index + 1}.ts`), text]));
  const virtual = new Map([...files, [join(ROOT, 'users.service.ts'), read(...QUICK_START, 'users.service.ts')]]);
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (path) => virtual.has(path) || fileExists(path);
  host.readFile = (path) => virtual.get(path) ?? readFile(path);
  host.getSourceFile = (path, languageVersion, ...rest) => {
    const text = virtual.get(path);
    return text === undefined ? getSourceFile(path, languageVersion, ...rest) : ts.createSourceFile(path, text, languageVersion);
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files.keys()].flatMap((path) => {
    const source = program.getSourceFile(path);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
  });
}
