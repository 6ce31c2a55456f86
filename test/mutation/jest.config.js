import config from '../../jest.config.js';

const [embedded] = config.projects;

/** The tests that judge mutants: the embedded ones about the mutated rooms. Those that start processes or read guides would only be slow. */
export default {
  ...embedded,
  rootDir: '../..',
  // Stryker notes for each test which mutants it reaches.
  testEnvironment: '@stryker-mutator/jest-runner/jest-env/node',
  globals: { TEST_ENGINES: ['sqlite'] },
  testMatch: ['<rootDir>/test/{unit,session,http,security,contract}/**/*.spec.ts'],
  testPathIgnorePatterns: ['\\.servers\\.spec\\.ts$'],
  testTimeout: 10_000,
};
