/** `confab bot check` */
import { basename } from 'node:path';
import { Command } from 'commander';
import { checkBot } from '../../processors/bot/index.js';
import { EXIT, type CliContext } from '../context.js';
import { harmless } from '../terminal.js';
import { faultLine } from './faults.js';
import { BOT_ARGUMENT, foldersOf } from './folders.js';

const ABOUT = `
Examples:
  confab bot check
  confab bot check ./bots/parcel
  confab bot check --json | jq '.bots[].faults'

Exit codes: 0 sound, 1 a bot has faults, 64 wrong command line.`;

export function checkCommand(context: CliContext): Command {
  return new Command('check').argument('[bot]', `${BOT_ARGUMENT}; default: all of them`)
    .description('check a bot and name every fault with file, line and reason').option('--json', 'print one JSON object')
    .addHelpText('after', ABOUT)
    .action((bot: string | undefined, { json }: { json?: boolean }) => check(context, bot, json === true));
}

async function check(context: CliContext, wanted: string | undefined, json: boolean): Promise<void> {
  const { stdout } = context;
  const folders = await foldersOf(context.config().pipeline.botsDir, wanted);
  const results = await Promise.all(folders.map(async (folder) => ({ folder, ...await checkBot(folder) })));
  if (results.some(({ faults }) => faults.length > 0)) context.exitCode(EXIT.failed);
  if (json) {
    stdout.write(`${JSON.stringify({ bots: results.map(({ folder, bot, faults, warnings }) => ({ name: basename(folder), version: bot?.version ?? null, faults, warnings })) })}\n`);
    return;
  }
  for (const { folder, bot, faults, warnings } of results) {
    for (const fault of faults) stdout.write(`${faultLine(folder, 'error', fault)}\n`);
    for (const fault of warnings) stdout.write(`${faultLine(folder, 'warning', fault)}\n`);
    stdout.write(harmless(`${basename(folder)}: ${bot === undefined ? `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}` : `sound, version ${bot.version}`}`) + '\n');
  }
}
