import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { resolveTokenOptions } from './support/lib.js';
import { ISSUER, SECRET } from './support/app.js';

const read = (...path: string[]): string => readFileSync(join(import.meta.dirname, '..', ...path), 'utf8');
const GUIDE = read('docs', 'integration.md');

describe('docs/integration.md', () => {
  it('shows the declaration of claims that CI compiles in a CommonJS project (F-41)', () => {
    const [, declaration] = /^(import 'nestjs-token';[^]*)/m.exec(read('.ci', 'scratch', 'principal.ts')) ?? [];
    expect(GUIDE).toContain(`\`\`\`ts\n${declaration}\`\`\``);
    expect(read('.ci', 'scratch', 'nest11-cjs', 'tsconfig.node10.json')).toContain('"module": "commonjs"');
  });

  it('names every header of the defaults to CORS (F-41)', () => {
    const { header } = resolveTokenOptions({ issuer: ISSUER, secret: SECRET }, 'default').transport;
    const [, allowed] = /allowedHeaders: \[(.*)\]/.exec(GUIDE) ?? [];
    const [, exposed] = /exposedHeaders: \[(.*)\]/.exec(GUIDE) ?? [];
    for (const name of [header.access, header.refresh]) expect(allowed).toContain(`'${name}'`);
    for (const name of [header.access, header.refresh, header.expiresIn]) expect(exposed).toContain(`'${name}'`);
  });
});
