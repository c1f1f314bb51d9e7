/** `confab settings list | set | unset`: flags and settings that change while nodes run. */
import { Command } from 'commander';
import { checkSetting, SETTINGS, settingOf } from '../operate/rollout/settings-table.js';
import { urlOption } from './bot/deploy.js';
import type { CliContext } from './context.js';
import { openDesk, type RolloutDesk } from './rollout/desk.js';
import { harmless } from './terminal.js';

interface Flags { json?: boolean; url?: string }

const ABOUT = `
Flags are read by the conditions of bots as flags.NAME; every node follows within 2 s. What is fixed when a process starts is
an environment variable: \`confab config\`.

Examples:
  confab settings set flags.christmas true
  confab settings set flags.discount 15
  confab settings list --json
  confab settings unset flags.christmas

Exit codes: 0 done, 1 there is no such setting or the value does not fit, 64 wrong command line.`;

export function settingsCommand(context: CliContext): Command {
  const command = new Command('settings').description('flags and settings that change while nodes run: list, set, unset').addHelpText('after', ABOUT);
  command.command('list').description('those that are set, and which there may be').option('--json', 'print one JSON object').addOption(urlOption())
    .addHelpText('after', '\nExample:\n  confab settings list --json')
    .action((flags: Flags) => at(context, flags, (desk) => list(context, desk, flags.json === true)));
  command.command('set').argument('<name>', 'such as flags.christmas').argument('<value>', 'true, false, a number, or a text').description('set one for all nodes')
    .option('--text', 'the value is a text, whatever it looks like').option('--json', 'print one JSON object').addOption(urlOption())
    .addHelpText('after', '\nExamples:\n  confab settings set flags.discount 15\n  confab settings set flags.code 0042 --text')
    .action((name: string, value: string, flags: Flags & { text?: boolean }) => at(context, flags, (desk) => change(context, desk, { name, value: checkSetting(name, flags.text === true ? value : valueOf(value)) }, flags)));
  command.command('unset').argument('<name>', 'such as flags.christmas').description('take one back')
    .option('--json', 'print one JSON object').addOption(urlOption())
    .addHelpText('after', '\nExample:\n  confab settings unset flags.christmas')
    .action((name: string, flags: Flags) => { settingOf(name); return at(context, flags, (desk) => change(context, desk, { name, value: null }, flags)); });
  return command;
}

function valueOf(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?(0|[1-9]\d*)(\.\d+)?$/.test(text) ? Number(text) : text;
}

async function list({ stdout }: CliContext, desk: RolloutDesk, json: boolean): Promise<void> {
  const settings = await desk.settings();
  if (json) { stdout.write(`${JSON.stringify({ settings })}\n`); return; }
  for (const { name, value, changedBy, changedAt } of settings) stdout.write(harmless(`${name} = ${JSON.stringify(value)}   ${changedAt} ${changedBy}`) + '\n');
  if (settings.length === 0) stdout.write('nothing is set\n');
  for (const { name, about } of Object.values(SETTINGS)) stdout.write(`there may be ${name}: ${about}\n`);
}

async function change({ stdout }: CliContext, desk: RolloutDesk, { name, value }: { name: string; value: unknown }, { json }: Flags): Promise<void> {
  await desk.set(name, value);
  stdout.write(json === true ? `${JSON.stringify({ name, value })}\n` : value === null ? `${name} is not set any more\n` : harmless(`${name} = ${JSON.stringify(value)}`) + '\n');
}

async function at(context: CliContext, { url }: Flags, run: (desk: RolloutDesk) => Promise<void>): Promise<void> {
  const desk = await openDesk(context, url);
  try { await run(desk); } finally { await desk.close(); }
}
