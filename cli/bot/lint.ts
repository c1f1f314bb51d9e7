/** `confab bot lint`: what in a bot's examples will confuse it. */
import { basename } from 'node:path';
import { Command } from 'commander';
import { lintBot, type LintFinding } from '../../inspect/bot-lint/index.js';
import { checkBot } from '../../processors/bot/index.js';
import { EXIT, type CliContext } from '../context.js';
import { harmless, harmlessJson, painter, type Paint } from '../terminal.js';
import { faultLine, placeText } from './faults.js';
import { BOT_ARGUMENT, foldersOf } from './folders.js';

const ABOUT = `
contradiction  examples of two intents that say the same; an error when they are equal
overlap        two intents of which many examples are taken for the other, by a model that was trained without them
stray          an example that surely reads like another intent
scope          an example of what is out of scope that surely reads like an intent
duplicate      an example that stands in its intent already
small          an intent with too few examples

Examples:
  confab bot lint
  confab bot lint parcel --strict
  confab bot lint --json | jq '.bots[].findings[] | select(.kind == "overlap")'

Exit codes: 0 nothing that is surely wrong, 1 an error (with --strict anything) was found, 64 wrong command line.`;

interface Flags { strict?: boolean; json?: boolean }

export function lintCommand(context: CliContext): Command {
  return new Command('lint').argument('[bot]', `${BOT_ARGUMENT}; default: all of them`)
    .description('find intents that overlap, examples that contradict each other, and intents with too few')
    .option('--strict', 'fail for warnings too')
    .option('--json', 'print one JSON object')
    .addHelpText('after', ABOUT)
    .action((bot: string | undefined, flags: Flags) => lint(context, bot, flags));
}

async function lint(context: CliContext, wanted: string | undefined, flags: Flags): Promise<void> {
  const { stdout, env } = context;
  const paint = painter(stdout, env);
  const results: object[] = [];
  for (const folder of await foldersOf(context.config().pipeline.botsDir, wanted)) {
    const { bot, faults, sources } = await checkBot(folder);
    const findings = bot === undefined ? [] : lintBot(bot, sources, context.clock);
    const errors = findings.filter(({ severity }) => severity === 'error').length;
    if (faults.length > 0 || errors > 0 || (flags.strict === true && findings.length > 0)) context.exitCode(EXIT.failed);
    results.push({ name: basename(folder), version: bot?.version ?? null, faults, findings });
    if (flags.json === true) continue;
    for (const fault of faults) stdout.write(`${faultLine(folder, 'error', fault)}\n`);
    for (const finding of findings) stdout.write(findingText(folder, finding, paint));
    stdout.write(harmless(`${basename(folder)}: ${bot === undefined ? `${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}` : summary(findings, errors)}`) + '\n');
  }
  if (flags.json === true) stdout.write(`${harmlessJson({ bots: results })}\n`);
}

function findingText(folder: string, { kind, severity, place, message, lines }: LintFinding, paint: Paint): string {
  const head = `${placeText(folder, place)}: ${paint(severity === 'error' ? 'red' : 'yellow', severity)}: ${kind}: ${harmless(message)}\n`;
  // Of one line the head has said all.
  return lines.length < 2 ? head : `${head}${lines.map((line) => `    ${placeText(folder, line.place)}  ${harmless(line.text)}${line.note === '' ? '' : paint('dim', `  (${harmless(line.note)})`)}\n`).join('')}`;
}

function summary(findings: readonly LintFinding[], errors: number): string {
  if (findings.length === 0) return 'nothing found';
  const kinds = new Map<string, number>();
  for (const { kind } of findings) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  return `${errors} ${errors === 1 ? 'error' : 'errors'}, ${findings.length - errors} warnings (${[...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ')})`;
}
