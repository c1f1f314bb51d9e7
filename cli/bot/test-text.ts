/** Results of a bot's tests for people, and as JSON. */
import type { CoveredStep, TestFailure, TestOutcome, TestRun } from '../../inspect/bot-tests/index.js';
import { harmless, type Paint } from '../terminal.js';
import { placeText } from './faults.js';

/** Steps that are named; the rest is counted. */
const MOST_STEPS = 40;

/**
 * ```
 * FAIL  the opening hours come between  [digression]
 *   bots/parcel/tests/digression.yml:14  > user: what are your opening hours
 *     bot
 *       - expected
 *       + said
 * ```
 */
export function failureText(folder: string, { test }: TestOutcome, failure: TestFailure, paint: Paint): string {
  const lines = [`${paint('red', 'FAIL')}  ${harmless(test.name)}${test.tags.length > 0 ? `  [${harmless(test.tags.join(', '))}]` : ''}`];
  lines.push(`  ${placeText(folder, failure.place)}  turn ${failure.turn}, ${harmless(failure.says)}`);
  if (failure.fault !== null) lines.push(`    ${harmless(failure.fault)}`);
  for (const { what, place, expected, actual } of failure.differences) {
    lines.push(`    ${what}${place.line === failure.place.line ? '' : `  (line ${place.line})`}`);
    lines.push(...side('-', expected, actual, (text) => paint('green', text)), ...side('+', actual, expected, (text) => paint('red', text)));
  }
  if (failure.transcript.length > 0) lines.push('    what was said', ...failure.transcript.slice(-10).map((line) => `      ${paint('dim', harmless(line))}`));
  return `${lines.join('\n')}\n\n`;
}

/** Lines of one side; those that both have are not marked. */
function side(mark: string, lines: readonly string[], others: readonly string[], colour: (text: string) => string): string[] {
  if (lines.length === 0) return [colour(`      ${mark} (nothing)`)];
  return lines.map((line, index) => (others.length > 1 && others[index] === line ? `        ${harmless(line)}` : colour(`      ${mark} ${harmless(line).replaceAll('\n', '\n        ')}`)));
}

export function coverageText(folder: string, steps: readonly CoveredStep[], paint: Paint): string {
  const open = steps.filter(({ runs }) => runs === 0);
  const named = open.slice(0, MOST_STEPS).map(({ place, flow, label }) => `${placeText(folder, place)}  ${harmless(`${flow}  ${label}`)}\n`).join('');
  if (open.length === 0) return '';
  return `${paint('dim', 'Steps that no test has run:')}\n${named}${open.length > MOST_STEPS ? `and ${open.length - MOST_STEPS} more\n` : ''}\n`;
}

export function percentOf(steps: readonly CoveredStep[]): number {
  return steps.length === 0 ? 100 : (100 * steps.filter(({ runs }) => runs > 0).length) / steps.length;
}

const counted = (count: number, what: string): string => `${count} ${count === 1 ? what : `${what}s`}`;

export function summaryLine(name: string, { faults, outcomes, coverage }: TestRun, millis: number, paint: Paint): string {
  if (faults.length > 0) return `${harmless(name)}: ${counted(faults.length, 'fault')}, nothing was run\n`;
  if (outcomes.length === 0) return `${harmless(name)}: no tests\n`;
  const by = (status: TestOutcome['status']): number => outcomes.filter((one) => one.status === status).length;
  const [passed, failed, skipped] = [by('passed'), by('failed'), by('skipped')];
  const counts = [`${passed} passed`, ...(failed > 0 ? [paint('red', `${failed} failed`)] : []), ...(skipped > 0 ? [`${skipped} skipped`] : [])].join(', ');
  const turns = outcomes.reduce((sum, one) => sum + one.turns, 0);
  const run = coverage.filter(({ runs }) => runs > 0).length;
  return `${harmless(name)}: ${counts}; ${counted(turns, 'turn')}, ${run} of ${counted(coverage.length, 'step')} (${percentOf(coverage).toFixed(1)} %), ${(millis / 1000).toFixed(1)} s\n`;
}

export function jsonOf({ name, run, millis }: { readonly name: string; readonly run: TestRun; readonly millis: number }): object {
  const { faults, outcomes, coverage } = run;
  return {
    name, millis: Math.round(millis), faults,
    tests: outcomes.map(({ test, status, turns, failures }) => ({
      name: test.name, file: test.place.file, line: test.place.line, tags: test.tags, status, turns,
      failures: failures.map(({ turn, place, says, fault, differences, transcript }) => ({
        turn, file: place.file, line: place.line, says, fault, transcript,
        differences: differences.map((one) => ({ what: one.what, line: one.place.line, expected: one.expected, actual: one.actual })),
      })),
    })),
    coverage: {
      steps: coverage.length, run: coverage.filter(({ runs }) => runs > 0).length, percent: Number(percentOf(coverage).toFixed(2)),
      notRun: coverage.filter(({ runs }) => runs === 0).map(({ flow, label, place }) => ({ flow, step: label, file: place.file, line: place.line })),
    },
  };
}
