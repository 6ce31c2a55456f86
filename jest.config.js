import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { transformFileSync } from '@swc/core';

const withoutComments = { jsc: { preserveAllComments: false, minify: { format: { comments: false } } } };

/** Files of types have nothing that could run: V8 would report them as never covered. */
const typesOnly = readdirSync(join(import.meta.dirname, 'lib'), { recursive: true })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join('lib', name))
  .filter((path) => /^(export \{ ?\};?)?$/.test(transformFileSync(join(import.meta.dirname, path), withoutComments).code.trim()));

/** What all projects have in common. */
const project = {
  testEnvironment: 'node',
  modulePathIgnorePatterns: [
    '<rootDir>/dist/',
    '<rootDir>/sample/.*/dist/',
    '<rootDir>/bench/dist/',
    '<rootDir>/test/fuzz/dist/',
    '<rootDir>/.ci/',
  ],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^nestjs-token$': '<rootDir>/lib/index.ts',
    '^nestjs-token/(redis|testing|typeorm)$': '<rootDir>/lib/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
    // Mercurius requires it through @fastify/static, whose own copy is an ES module. Jest requires those from Node 24.9 on only.
    '^content-disposition$': '<rootDir>/node_modules/content-disposition',
  },
  // Compiled as .swcrc says.
  transform: { '^.+\\.ts$': '@swc/jest' },
};

const embedded = { TEST_ENGINES: ['sqlite', 'pglite'] };
const servers = { TEST_ENGINES: ['postgres', 'mariadb'] };
const all = { TEST_ENGINES: ['sqlite', 'postgres', 'mariadb'] };

/**
 * Jest in native ESM mode: the scripts of package.json pass the flag that Node needs, and choose the project. A file that ends in
 * `.engines.spec.ts` runs in `embedded` and in `databases`, on the engines of each.
 *
 * @type {import('jest').Config}
 */
export default {
  projects: [
    {
      ...project,
      displayName: 'embedded',
      globals: embedded,
      // Searches everything that the tests write for tokens: `npm run test:leaks`.
      setupFilesAfterEnv: process.env.TEST_TOKENS_IN_LOGS === '1' ? ['<rootDir>/test/support/leak-setup.ts'] : [],
      testMatch: ['<rootDir>/test/**/*.spec.ts'],
      testPathIgnorePatterns: ['/test/(processes|faults)/', '\\.servers\\.spec\\.ts$'],
    },
    { ...project, displayName: 'databases', globals: servers, testMatch: ['<rootDir>/test/**/*.{engines,servers}.spec.ts'] },
    { ...project, displayName: 'processes', globals: all, testMatch: ['<rootDir>/test/processes/**/*.spec.ts'] },
    { ...project, displayName: 'faults', globals: all, testMatch: ['<rootDir>/test/faults/**/*.{spec,fault}.ts'] },
    { ...project, displayName: 'abuse', globals: all, testMatch: ['<rootDir>/test/abuse/**/*.abuse.ts'] },
  ],
  // Two test files at a time, also on two cores. More would want more connections than the databases give by default.
  maxWorkers: 2,
  // A bound for what hangs, not a measure: CI's machines are slow and shared.
  testTimeout: 30_000,
  coverageProvider: 'v8',
  collectCoverageFrom: ['lib/**/*.ts', ...typesOnly.map((path) => `!${path}`)],
  coverageReporters: ['text', 'lcov'],
  coverageThreshold: { global: { lines: 95, branches: 95 } },
};
