import standard from './jest.config.js';

/** Faults that take minutes: run them with `npm run test:faults`, one file at a time. @type {import('jest').Config} */
export default {
  ...standard,
  testMatch: ['<rootDir>/test/faults/slow/**/*.fault.ts'],
  maxWorkers: 1,
  collectCoverage: false,
  coverageThreshold: {},
};
