const inRoom = (room) => `lib/${room}/**/*.ts`;

/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  testRunner: 'jest',
  plugins: ['@stryker-mutator/jest-runner'],
  testRunnerNodeArgs: ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'],
  jest: { projectType: 'custom', configFile: 'test/mutation/jest.config.js', enableFindRelatedTests: false },
  coverageAnalysis: 'perTest',
  mutate: [...['session', 'access-token', 'authentication', 'transport'].map(inRoom), '!lib/**/*.options.ts'],
  // A mutant in code that runs once, when the module is loaded, would need a new process for each.
  ignoreStatic: true,
  ignorePatterns: ['dist', 'docs/api', '/bench', '/sample/*/dist', 'coverage', '.ci'],
  reporters: ['clear-text', 'progress-append-only', 'json', 'html'],
  concurrency: 2,
  timeoutMS: 10_000,
  dryRunTimeoutMinutes: 30,
  incremental: true,
  incrementalFile: 'reports/mutation/incremental.json',
};
