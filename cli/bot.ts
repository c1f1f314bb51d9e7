import { basename, join } from 'node:path';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { Command } from 'commander';
import { ConfabError } from '../platform/errors.js';
import { checkBot, type Fault } from '../processors/bot/index.js';
import { EXIT, type CliContext } from './context.js';
import { harmless, suggestion } from './terminal.js';

/** `confab bot check` */
export function botCommand(context: CliContext): Command {
  const command = new Command('bot').description('bots: check');
  command.command('check').argument('[bot]', 'folder of a bot, or the name of one in CONFAB_BOTS_DIR; default: all of them')
    .description('check a bot and name every fault with file, line and reason').option('--json', 'print one JSON object')
    .addHelpText('after', '\nExamples:\n  confab bot check\n  confab bot check ./bots/parcel\n  confab bot check --json | jq \'.bots[].faults\'\n\nExit codes: 0 sound, 1 a bot has faults, 64 wrong command line.')
    .action((bot: string | undefined, { json }: { json?: boolean }) => check(context, bot, json === true));
  return command;
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
  const line = (folder: string, kind: string, { file, line: number, column, reason }: Fault): string => harmless(`${join(folder, file)}:${number}:${column}: ${kind}: ${reason}`);
  for (const { folder, bot, faults, warnings } of results) {
    for (const fault of faults) stdout.write(`${line(folder, 'error', fault)}\n`);
    for (const fault of warnings) stdout.write(`${line(folder, 'warning', fault)}\n`);
    stdout.write(harmless(`${basename(folder)}: ${bot === undefined ? `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}` : `sound, version ${bot.version}`}`) + '\n');
  }
}

async function foldersOf(botsDir: string, wanted: string | undefined): Promise<string[]> {
  let names: string[] = [];
  try {
    names = (await readdir(botsDir, { withFileTypes: true })).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name).sort();
  } catch { /* Without that folder only a path can be named. */ }
  if (wanted === undefined) {
    if (names.length === 0) throw new ConfabError('CONFAB_BOT_UNKNOWN', { detail: `CONFAB_BOTS_DIR ${botsDir} holds no bot.` });
    return names.map((name) => join(botsDir, name));
  }
  if (names.includes(wanted)) return [join(botsDir, wanted)];
  if (existsSync(wanted)) return [wanted];
  throw new ConfabError('CONFAB_BOT_UNKNOWN', { detail: `There is no folder "${wanted}", neither here nor in CONFAB_BOTS_DIR.${suggestion(wanted, names)}` });
}
