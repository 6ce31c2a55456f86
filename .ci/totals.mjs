// Prints Jest's totals, summed over the files that `--json --outputFile` wrote. A suite that could not run counts as a failure.
import { readFileSync } from 'node:fs';

const results = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, 'utf8')));
const sum = (count) => results.reduce((total, result) => total + count(result), 0);
const passed = sum((result) => result.numPassedTests);
const failed = sum((result) => result.numFailedTests + result.numRuntimeErrorTestSuites);
const skipped = sum((result) => result.numPendingTests + result.numTodoTests);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
