/** `confab bot test`: runs the dialogues that a bot's authors wrote for it. */
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { readSubject, runTests, type TestRun } from '../../inspect/bot-tests/index.js';
import { EXIT, type CliContext } from '../context.js';
import { painter } from '../terminal.js';
import { faultLine } from './faults.js';
import { BOT_ARGUMENT, foldersOf } from './folders.js';
import { percentage } from './percentage.js';
import { coverageText, failureText, jsonOf, percentOf, summaryLine } from './test-text.js';

interface Flags { only?: string; json?: boolean; coverage?: number }

const ABOUT = `
The dialogues stand in tests/*.yml of the bot (docs/bots-testing.md). They go through the stages of the pipeline over a log in memory,
by a clock that is moved by hand; nothing is called and nothing is written but the trained model. Afterwards the steps of flows
that no test has run are named.

Examples:
  confab bot test
  confab bot test parcel --only digression
  confab bot test ./bots/parcel --coverage 100
  confab bot test --json | jq '.bots[].tests[] | select(.status == "failed")'

Exit codes: 0 every test has passed, 1 a test or the coverage failed, a file is wrong or there is no test, 64 wrong command line.`;

export function testCommand(context: CliContext): Command {
  return new Command('test').argument('[bot]', `${BOT_ARGUMENT}; default: all of them`)
    .description('run the dialogues of tests/*.yml and say which steps they have not run')
    .option('--only <text>', 'tests of which name, file or a tag holds this text')
    .option('--coverage <percent>', 'fail when fewer steps of flows were run', percentage)
    .option('--json', 'print one JSON object')
    .addHelpText('after', ABOUT)
    .action((bot: string | undefined, flags: Flags) => test(context, bot, flags));
}

interface BotRun { readonly name: string; readonly folder: string; readonly run: TestRun; readonly millis: number }

async function test(context: CliContext, wanted: string | undefined, flags: Flags): Promise<void> {
  const { pipeline } = context.config();
  const runs: BotRun[] = [];
  for (const folder of await foldersOf(pipeline.botsDir, wanted)) {
    const start = context.clock.monotonic();
    const run = await runTests(await readSubject(folder), { modelsFolder: join(pipeline.dataDir, 'models'), ...(flags.only === undefined ? {} : { only: flags.only }) });
    runs.push({ name: basename(folder), folder, run, millis: context.clock.monotonic() - start });
  }
  const failed = runs.some(({ run }) => run.faults.length > 0 || run.outcomes.some(({ status }) => status === 'failed')) || runs.every(({ run }) => run.outcomes.length === 0)
    || (flags.coverage !== undefined && runs.some(({ run }) => percentOf(run.coverage) < (flags.coverage ?? 0)));
  if (failed) context.exitCode(EXIT.failed);
  if (flags.json === true) { context.stdout.write(`${JSON.stringify({ passed: !failed, bots: runs.map(jsonOf) })}\n`); return; }
  for (const one of runs) show(context, one, flags);
}

function show(context: CliContext, { name, folder, run, millis }: BotRun, flags: Flags): void {
  const { stdout, env } = context;
  const paint = painter(stdout, env);
  for (const fault of run.faults) stdout.write(`${faultLine(folder, 'error', fault)}\n`);
  for (const outcome of run.outcomes) for (const failure of outcome.failures) stdout.write(failureText(folder, outcome, failure, paint));
  // A part of the tests says nothing of the steps that all of them run.
  if (run.faults.length === 0 && run.outcomes.length > 0 && (flags.only === undefined || flags.coverage !== undefined)) stdout.write(coverageText(folder, run.coverage, paint));
  stdout.write(summaryLine(name, run, millis, paint));
}
