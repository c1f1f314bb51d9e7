/**
 * What all fuzz tests share: how many cases, from which seed, how long one may take, and what is printed of a failure.
 *
 * `CONFAB_FUZZ_SEED` chooses or repeats a run, `CONFAB_FUZZ_PATH` its failing case (both are printed), `CONFAB_FUZZ_RUNS` is a
 * multiple of the usual number of cases (`10x`) or a number for each property. A failing case is kept as one of the
 * `examples` of its property: they run first, each time.
 */
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { catalogue, ConfabError } from '../platform/errors.js';
import { watched } from './watchdog.js';

export interface Fuzz<T> {
  /** Cases of a usual run. Those of a server count several requests or frames: see `weight`. */
  readonly runs: number;
  /** Cases that failed once, and ones that chance would hardly find. */
  readonly examples?: readonly T[];
  /** How many inputs one case holds, for the count. Default 1. */
  readonly weight?: (value: T) => number;
  /** Milliseconds that one case may take on a loaded machine. Default 10 s. */
  readonly limit?: number;
  /** Before the first and after the last case. */
  readonly before?: (t: TestContext) => Promise<void>;
  readonly after?: (t: TestContext) => Promise<void>;
}

const LIMIT_MILLIS = 10_000;
/** Shrinking ends with this. It counts from the first case on, so it is above what the longest property takes. */
const SHRINK_MILLIS = 240_000;
/** One seed, so that a commit passes or fails whenever it is tested; `npm run fuzz` looks for new cases with fresh ones. */
const USUAL_SEED = 20_261_123;
const SEED = Number(process.env.CONFAB_FUZZ_SEED ?? USUAL_SEED);
const PATH = process.env.CONFAB_FUZZ_PATH;

function runsOf(usual: number): number {
  const wanted = process.env.CONFAB_FUZZ_RUNS ?? '1x';
  const number = Number(wanted.replace(/x$/, ''));
  assert.ok(number > 0, `CONFAB_FUZZ_RUNS is ${wanted}: use a number, or a multiple such as 10x`);
  return Math.max(1, Math.round(wanted.endsWith('x') ? usual * number : number));
}

/** One property as a test: `holds` throws, or rejects, when a case breaks the rule that the name states. */
export function fuzz<T>(name: string, arbitrary: fc.Arbitrary<T>, options: Fuzz<T>, holds: (value: T) => void | Promise<void>): void {
  void test(name, async (t) => {
    await options.before?.(t);
    let cases = 0;
    const limit = options.limit ?? LIMIT_MILLIS;
    const property = fc.asyncProperty(arbitrary, async (value) => {
      cases += options.weight?.(value) ?? 1;
      await watched({ name, seed: SEED, limit, index: cases }, () => holds(value));
    });
    const details = await fc.check(property, {
      seed: SEED, numRuns: runsOf(options.runs), examples: (options.examples ?? []).map((value): [T] => [value]), ...(PATH === undefined ? {} : { path: PATH }),
      // Shrinking against a server takes time; a smaller case is wanted, not the smallest.
      interruptAfterTimeLimit: SHRINK_MILLIS, markInterruptAsFailure: false,
    });
    // scripts/test.ts adds these up.
    t.diagnostic(`fuzz: ${cases} cases, ${details.failed ? 1 : 0} uncoded, seed ${SEED}`);
    if (details.failed) {
      await options.after?.(t).catch(() => undefined);
      throw failure(name, details);
    }
    await options.after?.(t);
  });
}

function failure<T>(name: string, details: fc.RunDetails<[T]>): Error {
  const cause = 'errorInstance' in details ? details.errorInstance : undefined;
  const again = `CONFAB_FUZZ_SEED=${details.seed} CONFAB_FUZZ_PATH=${details.counterexamplePath ?? ''}`;
  const shown = fc.stringify(details.counterexample).slice(0, 4000);
  return new Error(`"${name}" fails after ${details.numRuns} cases; again: ${again}; the case: ${shown}; because: ${cause instanceof Error ? cause.stack ?? cause.message : String(cause)}`);
}

/** Throws unless it is an error that the catalogue has for mistakes of others: coded, and not "an error of the server". */
export function coded(thrown: unknown, ...allowed: readonly string[]): ConfabError {
  if (!(thrown instanceof ConfabError)) throw new Error(`not coded: ${thrown instanceof Error ? thrown.stack ?? thrown.message : String(thrown)}`, { cause: thrown });
  if (thrown.code === 'CONFAB_INTERNAL') throw new Error('CONFAB_INTERNAL', { cause: thrown });
  if (allowed.length > 0 && !allowed.includes(thrown.code)) throw new Error(`${thrown.code} is not one of ${allowed.join(', ')}: ${thrown.detail}`, { cause: thrown });
  return thrown;
}

/** Runs what may refuse its input: its result, or undefined when it refused with one of the codes. */
export function refusable<R>(run: () => R, ...allowed: readonly string[]): R | undefined {
  try {
    return run();
  } catch (error) {
    coded(error, ...allowed);
    return undefined;
  }
}

/** A code of the catalogue that tells of a mistake of the sender, or of a busy server: not of a fault inside. */
export function knownCode(code: unknown): boolean {
  return typeof code === 'string' && Object.hasOwn(catalogue, code) && code !== 'CONFAB_INTERNAL';
}
