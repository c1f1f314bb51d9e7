/**
 * `npm run simulate -- --seeds N [--seed S] [--verbose]`: runs the pipeline under faults, one run a seed.
 * The last line of the output is `N seeds, V violations`; any violation makes the exit code 1.
 */
import { parseArgs } from 'node:util';
import { systemClock } from '../platform/clock.js';
import { loadProgramme } from './programme.js';
import { INVARIANTS } from './checker/violation.js';
import { runSeed, type RunReport } from './run.js';

const USAGE = `npm run simulate -- --seeds N [--seed S] [--verbose]    N runs, of the seeds S, S + 1, … (from 1)
npm run simulate -- --seed S                            one run, with its trace`;
const LARGEST = 2 ** 32 - 1;

interface Wanted { readonly from: number; readonly count: number; readonly trace: boolean; readonly verbose: boolean }

class UsageError extends Error {}

function wanted(words: readonly string[]): Wanted | undefined {
  const { values } = parseArgs({
    args: [...words],
    options: { seeds: { type: 'string' }, seed: { type: 'string' }, verbose: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  });
  if (values.help) return undefined;
  if (values.seed === undefined && values.seeds === undefined) throw new UsageError('how many? --seeds N');
  const from = whole('--seed', values.seed ?? '1', 0);
  const count = whole('--seeds', values.seeds ?? '1', 1);
  if (from + count - 1 > LARGEST) throw new UsageError(`seeds end at ${LARGEST}`);
  return { from, count, trace: values.seeds === undefined, verbose: values.verbose };
}

function whole(name: string, text: string, least: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= LARGEST)) throw new UsageError(`${name} is a whole number from ${least} to ${LARGEST}, not "${text}"`);
  return value;
}

function print(text: string): void { process.stdout.write(`${text}\n`); }

function show(seed: number, report: RunReport, { trace, verbose }: Wanted): void {
  if (trace) for (const line of report.lines) print(line);
  const faults = [...report.faults].map(([kind, count]) => `${kind} ${count}`).join(', ');
  const { plan } = report;
  if (verbose || trace) print(`seed ${seed}: ${report.accepted} messages accepted, ${plan.processes.length} processes, ${plan.partitions} partitions, ${(report.elapsed / 1000).toFixed(0)} s; ${faults === '' ? 'no faults but of the network' : faults}; trace ${report.digest.slice(0, 16)}`);
  for (const { invariant, detail, positions } of report.violations) {
    print(`violation: seed ${seed}: ${INVARIANTS[invariant]}\n  ${detail}${positions.length === 0 ? '' : `\n  at ${positions.join(', ')}`}`);
  }
  if (report.violations.length > 0) print(`  replay: npm run simulate -- --seed ${seed}\n`);
}

async function main(): Promise<number> {
  const options = wanted(process.argv.slice(2));
  if (options === undefined) { print(USAGE); return 0; }
  const begun = systemClock.monotonic();
  const programme = await loadProgramme();
  let violations = 0;
  let accepted = 0;
  const faults = new Map<string, number>();
  for (let seed = options.from; seed < options.from + options.count; seed += 1) {
    const report = await runSeed(seed, { programme, trace: options.trace });
    violations += report.violations.length;
    accepted += report.accepted;
    for (const [kind, count] of report.faults) faults.set(kind, (faults.get(kind) ?? 0) + count);
    show(seed, report, options);
  }
  if (!options.trace) print(`${accepted} messages accepted under ${[...faults.values()].reduce((sum, count) => sum + count, 0)} faults (${[...faults].sort().map(([kind, count]) => `${kind} ${count}`).join(', ')}) in ${((systemClock.monotonic() - begun) / 1000).toFixed(0)} s`);
  print(`${options.count} seeds, ${violations} violations`);
  return violations > 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const told = error instanceof UsageError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true;
  process.stderr.write(told ? `${(error as Error).message}\n\n${USAGE}\n` : `${(error as Error).stack ?? String(error)}\n`);
  process.exitCode = told ? 2 : 1;
}
