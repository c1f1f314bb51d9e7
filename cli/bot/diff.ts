/** `confab bot diff`: shadow replay of recorded conversations through a new version of a bot. */
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { compare, diffPage, Player, recordingsFrom, recordingsOf, type Comparison, type Recording, type Said } from '../../inspect/bot-diff/index.js';
import { trainedModels } from '../../inspect/bot-diff/models.js';
import { ConfabError } from '../../platform/errors.js';
import { loadBot } from '../../processors/bot/index.js';
import { EXIT, type CliContext } from '../context.js';
import { codecOf, logOf } from '../log.js';
import { wholeNumber, whence } from '../options.js';
import { harmless, harmlessJson } from '../terminal.js';
import { foldersOf } from './folders.js';
import { shareOption } from './deploy.js';

interface Flags { from: string; bot: string; against: string; maxChanged?: number; maxFailed?: number; show: number; json?: boolean; html?: string }

const ABOUT = `
Each recorded input goes through the new version, turn by turn, and its reply is compared with the recorded one, or with that of
another version of the bot. Nothing is called and nothing is written: actions and the language model give the answers that
were recorded; where there is none they fail, and the turn says so. Time is that of the recording.
--from takes a file of JSON lines (dialogues: conversation, turn, speaker, text; or what \`confab tail --json\` prints of messages.v1
and replies.v1), or reads the log: start, a time, how long ago, or the position
of a message, which stands for its time.

Examples:
  confab bot diff --from 2h --bot new/
  confab bot diff --from dialogues.jsonl --bot new/ --against old/ --html diff.html
  confab bot diff --from 1d --bot new/ --max-changed 2% --max-failed 0 || echo not yet

Exit codes: 0 within the bounds, 1 more than --max-changed or --max-failed allow, or something is wrong, 64 wrong command line.`;

export function diffCommand(context: CliContext): Command {
  return new Command('diff').description('play recorded conversations through a new version and compare the replies')
    .requiredOption('--from <source>', 'a file of JSON lines; or of the log: start, a position, an RFC 3339 time, or how long ago, such as 2h')
    .requiredOption('--bot <bot>', 'folder of the new version, or the name of a bot in CONFAB_BOTS_DIR')
    .option('--against <bot>', 'folder of the version to compare with, or "recorded"', 'recorded')
    .option('--max-changed <share>', 'fail when more of the turns have another reply or newly fail, such as 2%', gate)
    .option('--max-failed <n>', 'fail when more turns newly fail', count)
    .option('--show <n>', 'turns that differ to show whole, at most', wholeNumber, 200)
    .option('--html <file>', 'write a page, which stands alone').option('--json', 'print one JSON object')
    .addHelpText('after', ABOUT)
    .action((flags: Flags) => diff(context, flags));
}

const gate = (value: string): number => (/^0(%|\.0*)?$/.test(value) ? 0 : shareOption(value));

function count(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('Use a whole number from 0.');
  return Number(value);
}

async function diff(context: CliContext, flags: Flags): Promise<void> {
  const config = context.config();
  const { pipeline } = config;
  const models = trainedModels(join(pipeline.dataDir, 'models'));
  const load = async (wanted: string): Promise<Player> => { const [folder = wanted] = await foldersOf(pipeline.botsDir, wanted); return new Player(await loadBot(folder), models); };
  const next = await load(flags.bot);
  const old = flags.against === 'recorded' ? undefined : await load(flags.against);
  if (old !== undefined && old.bot.id !== next.bot.id) throw new ConfabError('CONFAB_USAGE', { detail: `--bot is ${next.bot.id} and --against is ${old.bot.id}: compare versions of one bot.` });
  const source = await sourceOf(context, flags.from, next.bot.id);
  try {
    const comparison = await compare(source.recordings, { next, old, most: flags.show });
    if (comparison.totals.turns === 0) throw new ConfabError('CONFAB_INPUT_INVALID', { detail: `There is no turn of the bot "${next.bot.id}" in ${flags.from}.` });
    const passed = within(comparison, flags);
    if (source.unreadable() > 0) context.stderr.write(`warning: ${source.unreadable()} records of the log cannot be read by this program and are left out\n`);
    if (!passed) context.exitCode(EXIT.failed);
    if (flags.html !== undefined) await write(flags.html, diffPage(comparison));
    context.stdout.write(flags.json === true ? `${harmlessJson({ passed, ...comparison })}\n` : text(comparison, passed));
  } finally {
    await source.close();
  }
}

async function sourceOf(context: CliContext, from: string, botId: string): Promise<{ recordings: AsyncIterable<Recording> | Iterable<Recording>; unreadable(): number; close(): Promise<void> }> {
  const found = await stat(from).catch(() => undefined);
  if (found?.isFile() === true) return { recordings: await recordingsFrom(from, botId), unreadable: () => 0, close: () => Promise.resolve() };
  const at = placeOf(from);
  const log = await logOf(context, 'read');
  let unreadable = 0;
  try {
    const codec = await codecOf(context);
    const recordings = recordingsOf({ log, codec, prefix: context.config().pipeline.prefix, botId, from: at, now: context.clock.now(), unreadable: () => { unreadable += 1; } });
    return { recordings, unreadable: () => unreadable, close: () => log.close() };
  } catch (error) {
    await log.close();
    throw error;
  }
}

function placeOf(from: string): ReturnType<typeof whence> {
  try { return whence(from); } catch (cause) { throw new ConfabError('CONFAB_USAGE', { detail: `"${from}" is neither a file nor a place on the log: use start, a position, a time such as 2026-01-31T12:00:00Z, or how long ago, such as 2h.`, cause }); }
}

function within({ totals }: Comparison, { maxChanged, maxFailed }: Flags): boolean {
  return !(maxChanged !== undefined && (totals.changed + totals.newlyFailed) / totals.turns > maxChanged) && !(maxFailed !== undefined && totals.newlyFailed > maxFailed);
}

async function write(path: string, html: string): Promise<void> {
  try { await writeFile(path, html); } catch (cause) { throw new ConfabError('CONFAB_INPUT_INVALID', { detail: `${path} cannot be written: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}.`, cause }); }
}

const VERDICTS = { changed: '~', newlyAnswered: '+', newlyFailed: '!' } as const;

function text({ bot, newVersion, against, conversations, begunBefore, totals, withMissingEffects, flows, differences, left }: Comparison, passed: boolean): string {
  const lines = differences.flatMap(({ conversation, turn, said, verdict, before, after, missing, error }) => [
    `${VERDICTS[verdict]} ${conversation} turn ${turn}: ${said}`, `    before (${before.outcome}): ${line(before)}`, `    after  (${after.outcome}): ${line(after)}${error === null ? '' : ` ${error}`}${missing.length === 0 ? '' : `  [no recorded answer of ${missing.join(', ')}]`}`,
  ]);
  const share = (n: number): string => `${n} (${((100 * n) / totals.turns).toFixed(2)} %)`;
  return [
    ...lines.map(harmless), ...(left === 0 ? [] : [`… and ${left} more that differ`]),
    ...flows.filter((flow) => flow.turns !== flow.same).map((flow) => harmless(`flow ${flow.name === '' ? '(none)' : flow.name}: ${flow.turns} turns, ${flow.changed} changed, ${flow.newlyAnswered} newly answered, ${flow.newlyFailed} newly failed`)),
    `${bot} ${newVersion} against ${against}: ${conversations} conversations, ${totals.turns} turns: ${share(totals.same)} same, ${share(totals.changed)} changed, ${share(totals.newlyAnswered)} newly answered, ${share(totals.newlyFailed)} newly failed`,
    ...(begunBefore === 0 ? [] : [`${begunBefore} conversations had begun before the recording`]),
    ...(withMissingEffects === 0 ? [] : [`${withMissingEffects} turns wanted an effect that was not recorded`]),
    ...(passed ? [] : ['not within the bounds']), '',
  ].join('\n');
}

const line = ({ texts, offers }: Said): string => `${texts.join(' / ')}${offers.length === 0 ? '' : ` [${offers.join(' | ')}]`}`.replaceAll('\n', ' ');
