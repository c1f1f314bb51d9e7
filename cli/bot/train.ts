/** `confab bot train`: the model of a bot, before somebody waits for it. */
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { trainBot } from '../../inspect/bot-evaluation/index.js';
import { checkBot } from '../../processors/bot/index.js';
import { EXIT, type CliContext } from '../context.js';
import { harmless } from '../terminal.js';
import { faultLine } from './faults.js';
import { BOT_ARGUMENT, foldersOf } from './folders.js';

const ABOUT = `
The model goes into CONFAB_DATA_DIR/models under a hash of its training data and of the code, where every process finds it; what is
there is not trained again. The same data give the same bytes.

Examples:
  confab bot train
  confab bot train ./bots/parcel --anew
  confab bot train --json | jq '.bots[] | {name, millis}'

Exit codes: 0 trained, 1 a bot has faults, 64 wrong command line.`;

interface Flags { anew?: boolean; json?: boolean }

export function trainCommand(context: CliContext): Command {
  return new Command('train').argument('[bot]', `${BOT_ARGUMENT}; default: all of them`)
    .description('train the model of a bot, where it is not there yet')
    .option('--anew', 'train also what is there')
    .option('--json', 'print one JSON object')
    .addHelpText('after', ABOUT)
    .action((bot: string | undefined, flags: Flags) => train(context, bot, flags));
}

async function train(context: CliContext, wanted: string | undefined, flags: Flags): Promise<void> {
  const { stdout } = context;
  const { botsDir, dataDir } = context.config().pipeline;
  const results: object[] = [];
  for (const folder of await foldersOf(botsDir, wanted)) {
    const name = basename(folder);
    const { bot, faults } = await checkBot(folder);
    if (bot === undefined) {
      context.exitCode(EXIT.failed);
      results.push({ name, version: null, faults });
      if (flags.json !== true) for (const fault of faults) stdout.write(`${faultLine(folder, 'error', fault)}\n`);
      continue;
    }
    const { millis, models } = trainBot(bot, join(dataDir, 'models'), context.clock, flags.anew === true);
    const examples = bot.intents.reduce((sum, intent) => sum + intent.examples.length, bot.outOfScope.length);
    const trained = models.some(({ cached }) => !cached);
    const bytes = models.reduce((sum, model) => sum + model.bytes, 0);
    results.push({ name, version: bot.version, faults: [], intents: bot.intents.length, examples, trained, millis: Math.round(millis), modelBytes: bytes, models });
    if (flags.json !== true) stdout.write(harmless(`${name}: ${examples} examples of ${bot.intents.length} intents ${trained ? `trained in ${(millis / 1000).toFixed(2)} s` : 'were trained already'}, ${(bytes / 1e6).toFixed(2)} MB, model ${models.map(({ id }) => id.slice(0, 12)).join(', ') || 'none'}\n`));
  }
  if (flags.json === true) stdout.write(`${JSON.stringify({ bots: results })}\n`);
}
