/** `confab dead-letters list | show | retry | discard`. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { ConfabError } from '../platform/errors.js';
import { instantOf } from '../platform/http/validator.js';
import type { Settled } from '../operate/letters/letter-desk.js';
import { STATUSES, type LetterAction, type LetterStatus } from '../operate/letters/letter.js';
import { topology } from '../topology/topology.js';
import { EXIT, type CliContext } from './context.js';
import { openCounter, type Counter } from './dead-letters/counter.js';
import { detailText, listText, settledJson, settledText } from './dead-letters/text.js';
import { baseUrl } from './server-url.js';
import { wholeNumber } from './options.js';
import { suggestion } from './terminal.js';

interface ListFlags { stage?: string; status: LetterStatus | 'all'; since?: string; limit: number; json?: boolean; url?: string }
interface SettleFlags { stage?: string; all?: boolean; json?: boolean; url?: string }

const ABOUT = `
A dead letter is a record that a stage could not process; its message has the outcome dead_lettered. It is open until it is
retried (its message is appended anew: same messageId, new position, in order from now) or discarded, each once and for good.
Reading works beside a running process; writing goes to Kafka itself or, on the embedded log, through the running process.

Examples:
  confab dead-letters list --status all --since 2d
  confab dead-letters show 3-1042
  confab dead-letters retry 3-1042 3-1050
  confab dead-letters retry --stage dialogue --all
  confab dead-letters discard 7-12

Exit codes: 0 done (or done before), 1 a letter was refused or the log did not answer, 64 wrong command line.`;

export function deadLettersCommand(context: CliContext): Command {
  const command = new Command('dead-letters').description('what stages could not process: list, show, retry, discard').addHelpText('after', ABOUT);
  command.command('list').description('letters, oldest first')
    .option('--stage <stage>', 'only those of this stage', stageName)
    .addOption(new Option('--status <status>', 'only those that are').choices([...STATUSES, 'all']).default('open'))
    .option('--since <time>', 'only those given up since then: 30m, 12h, 7d or 2026-01-31T12:00:00Z')
    .option('--limit <n>', 'the newest so many', wholeNumber, 100)
    .option('--json', 'print one JSON object a line').addOption(urlOption())
    .addHelpText('after', '\nExample:\n  confab dead-letters list --stage intent --since 12h --json')
    .action((flags: ListFlags) => list(context, flags));
  command.command('show').argument('<id>', 'partition-offset, as `list` prints it').description('one letter with the record that it is about, decoded')
    .option('--json', 'print one JSON object').addOption(urlOption())
    .addHelpText('after', '\nExample:\n  confab dead-letters show 3-1042')
    .action((id: string, flags: { json?: boolean; url?: string }) => show(context, id, flags));
  settleCommand(command, context, 'retry', 'append the messages of letters anew and close the letters');
  settleCommand(command, context, 'discard', 'close letters for good');
  return command;
}

const urlOption = (): Option => new Option('--url <url>', 'the server to ask; default: the log itself, for writing CONFAB_URL or the local server').argParser(baseUrl);

function settleCommand(command: Command, context: CliContext, action: LetterAction, description: string): void {
  command.command(action).argument('[ids...]', 'partition-offset, as `list` prints them').description(description)
    .option('--stage <stage>', 'with --all: only those of this stage', stageName)
    .option('--all', 'every open letter of the stage')
    .option('--json', 'print one JSON object a letter').addOption(urlOption())
    .addHelpText('after', `\nExamples:\n  confab dead-letters ${action} 3-1042\n  confab dead-letters ${action} --stage dialogue --all`)
    .action((ids: string[], flags: SettleFlags) => settle(context, ids, action, flags));
}

function stageName(value: string): string {
  const stages = Object.keys(topology.stages);
  if (!stages.includes(value)) throw new InvalidArgumentError(`There is no such stage.${suggestion(value, stages)} There are ${stages.join(', ')}.`);
  return value;
}

const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A time, or how long ago. @throws CONFAB_USAGE */
function sinceOf(text: string, now: number): number {
  const ago = /^(\d{1,6})([smhd])$/.exec(text);
  const instant = ago ? now - Number(ago[1]) * UNITS[ago[2] as keyof typeof UNITS] : instantOf(text);
  if (instant === undefined) throw new ConfabError('CONFAB_USAGE', { detail: '--since takes 30m, 12h, 7d or a time such as 2026-01-31T12:00:00Z.' });
  return instant;
}

async function list(context: CliContext, { stage, status, since, limit, json, url }: ListFlags): Promise<void> {
  const { stdout, stderr, clock } = context;
  const filter = { status, limit, ...(stage === undefined ? {} : { stage }), ...(since === undefined ? {} : { since: sinceOf(since, clock.now()) }) };
  await at(context, 'read', url, async (counter) => {
    const { letters, more } = await counter.list(filter);
    if (json) for (const letter of letters) stdout.write(`${JSON.stringify(letter)}\n`);
    else stdout.write(listText(letters, stdout.isTTY === true && letters.length > 0));
    if (letters.length === 0 && stderr.isTTY) stderr.write('no dead letters that fit\n');
    if (more) stderr.write(`only the newest ${letters.length} are shown; --limit shows more\n`);
  });
}

async function show(context: CliContext, id: string, { json, url }: { json?: boolean; url?: string }): Promise<void> {
  await at(context, 'read', url, async (counter) => {
    const letter = await counter.show(id);
    context.stdout.write(json ? `${JSON.stringify(letter)}\n` : detailText(letter));
  });
}

async function settle(context: CliContext, ids: readonly string[], action: LetterAction, { stage, all, json, url }: SettleFlags): Promise<void> {
  if (all === true && (stage === undefined || ids.length > 0)) throw new ConfabError('CONFAB_USAGE', { detail: '--all goes with --stage STAGE, and without ids.' });
  if (all !== true && ids.length === 0) throw new ConfabError('CONFAB_USAGE', { detail: 'Name the letters by their ids, or use --stage STAGE --all.' });
  if (all !== true && stage !== undefined) throw new ConfabError('CONFAB_USAGE', { detail: '--stage goes with --all.' });
  const wanted = all === true && stage !== undefined ? await openOf(context, stage, url) : ids;
  if (wanted.length === 0) { if (context.stderr.isTTY) context.stderr.write(`no open dead letters of ${stage ?? ''}\n`); return; }
  await at(context, 'write', url, (counter) => counter.settle(wanted, action, (result: Settled) => {
    if (result.error) context.exitCode(EXIT.failed);
    if (json) context.stdout.write(settledJson(result));
    else (result.error ? context.stderr : context.stdout).write(settledText(result));
  }));
}

/** Every open letter of a stage, in the order of the log. */
function openOf(context: CliContext, stage: string, url: string | undefined): Promise<string[]> {
  return at(context, 'read', url, async (counter) => {
    const { letters, more } = await counter.list({ stage, status: 'open' });
    if (more) context.stderr.write(`the newest ${letters.length} are taken; repeat the command for the others\n`);
    return letters.map(({ id }) => id);
  });
}

async function at<T>(context: CliContext, mode: 'read' | 'write', url: string | undefined, run: (counter: Counter) => Promise<T>): Promise<T> {
  const counter = await openCounter(context, mode, url);
  try {
    return await run(counter);
  } finally {
    await counter.close();
  }
}
