import standard from './jest.config.js';

/** What an attacker or a middle box does to running processes: `npm run test:abuse`, one file at a time. @type {import('jest').Config} */
export default {
  ...standard,
  testMatch: ['<rootDir>/test/abuse/**/*.abuse.ts'],
  maxWorkers: 1,
  collectCoverage: false,
  coverageThreshold: {},
};
