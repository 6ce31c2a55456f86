import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { transformFileSync } from '@swc/core';

const withoutComments = { jsc: { preserveAllComments: false, minify: { format: { comments: false } } } };

/** Files of types have nothing that could run: V8 would report them as never covered. */
const typesOnly = readdirSync(join(import.meta.dirname, 'lib'), { recursive: true })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => join('lib', name))
  .filter((path) => /^(export \{ ?\};?)?$/.test(transformFileSync(join(import.meta.dirname, path), withoutComments).code.trim()));

/** Jest in native ESM mode: run it with `npm test`, which passes the flag that Node needs. @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // A bound for what hangs, not a measure: CI's machines are slow and shared.
  testTimeout: 30_000,
  testMatch: ['<rootDir>/test/**/*.spec.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/sample/.*/dist/', '<rootDir>/bench/dist/', '<rootDir>/.ci/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^nestjs-token$': '<rootDir>/lib/index.ts',
    '^nestjs-token/(redis|testing|typeorm)$': '<rootDir>/lib/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  // Compiled as .swcrc says.
  transform: { '^.+\\.ts$': '@swc/jest' },
  coverageProvider: 'v8',
  collectCoverageFrom: ['lib/**/*.ts', ...typesOnly.map((path) => `!${path}`)],
  coverageReporters: ['text', 'lcov'],
  coverageThreshold: { global: { lines: 95, branches: 95 } },
};
