/** Tests of bots, as commands use them. */
export type { Difference } from './compare.js';
export type { CoveredStep } from './coverage.js';
export { recordTest } from './record.js';
export { runTests, type TestFailure, type TestOutcome, type TestRun } from './run-tests.js';
export { readSubject, type Subject } from './subject.js';
