/**
 * Runs before each test file with `TEST_TOKENS_IN_LOGS=1`: fails the file if anything that it caused to be written contains a part of a token
 * or of a secret.
 */
import { afterAll, expect } from '@jest/globals';
import { leakWatch } from './leak-watch.js';

leakWatch.install();

afterAll(async () => {
  await leakWatch.collect();
  // Channels and standard output belong to the process, which runs the next file too.
  leakWatch.uninstall();
  expect(leakWatch.check.leaks).toEqual([]);
});
