/**
 * `npm run torture -- [--minutes M] [--seed S] …` (--help): hurts an installation of its own on real Kafka and Redis, and judges.
 * The last line is JSON; exit 1 when anything was lost, duplicated or reordered, or is unanswered.
 */
import { randomInt } from 'node:crypto';
import { HELP, readOptions, UsageError, type TortureOptions } from './options.js';
import { Torture } from './torture.js';

const USAGE = 64;
const INTERRUPTED = 130;
/** Beyond the minutes of faults: start, drain and verdict have bounds of their own, and this is above their sum. */
const MOST_BEYOND = 20 * 60_000;

function finish(line: Record<string, unknown>, code: number): void {
  process.stdout.write(`${JSON.stringify(line)}\n`, () => { process.exit(code); });
}

async function main(options: TortureOptions): Promise<void> {
  const torture = new Torture(options);
  const { seed, minutes } = options;
  const failed = (error: string): void => { torture.killAll(); finish({ sound: false, accepted: 0, answered: 0, lost: 0, duplicated: 0, reordered: 0, faults: {}, seed, minutes, error, kept: torture.folder }, 1); };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { torture.killAll(); process.exit(INTERRUPTED); });
  setTimeout(() => { failed('the run did not end in time'); }, minutes * 60_000 + MOST_BEYOND).unref();
  try {
    const result = await torture.run();
    finish(result, result.sound ? 0 : 1);
  } catch (error) {
    failed(error instanceof Error ? error.stack ?? error.message : String(error));
  }
}

try {
  const options = readOptions(process.argv.slice(2), () => randomInt(1_000_000));
  if (options === undefined) process.stdout.write(`${HELP}\n`);
  else await main(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\nnpm run torture -- --help tells more\n`);
  process.exitCode = USAGE;
}
