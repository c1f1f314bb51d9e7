/** `confab bot evaluate`: how well a bot's intents, or those of a dataset, are told apart. */
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Argument, Command } from 'commander';
import { evaluateBot, evaluateDataset, htmlReport, readDataset, type Evaluation } from '../../inspect/bot-evaluation/index.js';
import { ConfabError } from '../../platform/errors.js';
import { loadBot } from '../../processors/bot/index.js';
import type { CliContext } from '../context.js';
import { harmlessJson, painter } from '../terminal.js';
import { evaluationText } from './evaluation-text.js';
import { BOT_ARGUMENT, foldersOf } from './folders.js';

const ABOUT = `
A bot is judged by its own examples: five times a fifth of them by a model of the others. A dataset is a folder with train.tsv and
test.tsv, and where there are any val.tsv (for the threshold) and oos_*.tsv (out of scope; with "train" or "val" in the name they
are used for that). A line is a text, a tab and its label, in UTF-8; the labels oos, None and NO_NODES_DETECTED are out of scope.
Shares in the JSON are 0 to 1. Accuracy, macro F1 and calibration are those of texts in scope by the likeliest intent, refused or not.

Examples:
  confab bot evaluate parcel
  confab bot evaluate ./bots/parcel --html report.html
  confab bot evaluate ../shared/corpora/clinc150 --json | jq '{accuracy, macroF1, ece}'

Exit codes: 0 done, 1 the bot or the dataset has faults, 64 wrong command line.`;

interface Flags { html?: string; json?: boolean; limit: string }

export function evaluateCommand(context: CliContext): Command {
  return new Command('evaluate').addArgument(new Argument('<bot or dataset>', `${BOT_ARGUMENT}, or a folder of labelled texts`))
    .description('measure how well intents are told apart, and what is out of scope refused')
    .option('--html <file>', 'write a page with plots, which stands alone')
    .option('--json', 'print one JSON object')
    .addHelpText('after', ABOUT)
    .action((subject: string, flags: Flags) => evaluate(context, subject, flags));
}

async function evaluate(context: CliContext, subject: string, flags: Flags): Promise<void> {
  const { stdout, env } = context;
  const evaluation = await measure(context, subject);
  if (flags.html !== undefined) await write(flags.html, htmlReport(evaluation));
  if (flags.json === true) stdout.write(`${harmlessJson(evaluation)}\n`);
  else stdout.write(evaluationText(evaluation, painter(stdout, env)));
  if (flags.html !== undefined && flags.json !== true) stdout.write(`\nPlots: ${flags.html}\n`);
}

/** @throws CONFAB_BOT_UNKNOWN, CONFAB_BOT_INVALID, CONFAB_DATASET_INVALID */
async function measure(context: CliContext, subject: string): Promise<Evaluation> {
  const watch = { clock: context.clock, progress: progressOn(context) };
  const folder = (await foldersOf(context.config().pipeline.botsDir, subject))[0] ?? subject;
  return isBot(folder) ? evaluateBot(await loadBot(folder), watch) : evaluateDataset(folder, await readDataset(folder), watch);
}

const isBot = (folder: string): boolean => existsSync(join(folder, 'bot.yaml'));

/** Only people on a terminal are told: training may take a minute. */
function progressOn({ stderr }: CliContext): (what: string) => void {
  return stderr.isTTY === true ? (what) => { stderr.write(`\r\u001b[K${what} …`); } : () => undefined;
}

/** @throws CONFAB_INPUT_INVALID */
async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (cause) {
    throw new ConfabError('CONFAB_INPUT_INVALID', { detail: `${file} cannot be written: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}.`, cause });
  }
}
