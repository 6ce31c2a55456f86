import { afterEach, describe, expect, it } from '@jest/globals';
import { RefreshService, SessionRevoked, StoreUnavailable, TokenExpired } from 'nestjs-token';
import { FakeClock } from 'nestjs-token/testing';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ofExpress, ofFastify, ofMercurius } from './graphql-guide/contexts.js';
import { bearing } from './support/app.js';
import type { GraphqlApp } from './support/graphql-app.js';
import { GRAPHQL_SERVERS, startGraphql } from './support/graphql-app.js';

const ROOT = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const GUIDE = read('docs/graphql.md');
const blocksOf = (language: string): string[] =>
  [...GUIDE.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm'))].map(([, code = '']) => code);
/** Files that this test runs, and those of the sample, which test/sample/graphql.spec.ts runs. */
const FILES = ['test/graphql-guide/contexts.ts', 'sample/03-graphql/src/auth.resolver.ts', 'sample/03-graphql/src/notes.resolver.ts'].map(
  (path) => unindented(read(path)),
);

/** Lines without their indentation, because the guide shows parts of files. */
function unindented(text: string): string {
  return text.replace(/^ +/gm, '');
}

describe('docs/graphql.md', () => {
  let app: GraphqlApp | undefined;
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  it('shows nothing but code that tests run', () => {
    const blocks = blocksOf('ts');
    expect(blocks.length).toBeGreaterThanOrEqual(5);
    expect(blocks.filter((block) => !FILES.some((file) => file.includes(unindented(block))))).toEqual([]);
  });

  it('names all members of the extensions', () => {
    const errors = [new TokenExpired(undefined), new SessionRevoked('session'), new StoreUnavailable()];
    const members = new Set(errors.flatMap((error) => Object.keys(error.extensions)));
    const named = [...GUIDE.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name);
    expect(named).toEqual([...members]);
  });

  it('shows an error as clients get it', () => {
    const { errorCode, message, extensions } = new TokenExpired(undefined);
    expect(JSON.parse(blocksOf('json')[0]!)).toEqual({ message, path: ['myNotes'], extensions });
    expect(extensions.code).toBe(errorCode);
  });

  it.each([
    ['Apollo on Express', ofExpress],
    ['Apollo on Fastify', ofFastify],
    ['Mercurius on Fastify', ofMercurius],
  ] as const)('makes a context with which %s refreshes', async (server, context) => {
    expect(GRAPHQL_SERVERS).toContain(server);
    const clock = new FakeClock(Date.now());
    app = await startGraphql(server, { clock, driver: { context: context as (...args: unknown[]) => object } });
    const pair = await app.app.get(RefreshService).signIn('alice');
    clock.advance('16m');
    const answer = await app.ask('{ me { sub } }', bearing(pair));
    expect([answer.json(), answer.headers['x-refresh-token']?.length]).toEqual([{ data: { me: { sub: 'alice' } } }, 56]);
  });
});
