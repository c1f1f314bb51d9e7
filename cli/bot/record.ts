/** `confab bot record ID`: a conversation of the log as a test. */
import { writeFile } from 'node:fs/promises';
import { Argument, Command } from 'commander';
import { recordTest } from '../../inspect/bot-tests/index.js';
import { StoryReader, storyTopics, type Story } from '../../inspect/index.js';
import { DEFAULT_TENANT } from '../../platform/conversation-key.js';
import { ConfabError } from '../../platform/errors.js';
import { loadBots, type Bot } from '../../processors/bot/index.js';
import type { Message } from '../../schemas/types.js';
import type { CliContext } from '../context.js';
import { codecOf, logOf } from '../log.js';
import { conversationId as idOf, tenantName, wholeNumber } from '../options.js';
import { harmless } from '../terminal.js';
import { untilEnded } from '../until.js';

const ABOUT = `
Prints a file for the folder tests/ of the bot: what the person wrote, what was answered then, the pauses of a minute and more, and
what actions and the language model answered. What was said is in it as it was written: take out what is personal. Make its texts
patterns or names of responses (docs/bots-testing.md), so that it says what has to stay as it is and no more.

Examples:
  confab bot record demo
  confab bot record order-4711 --tenant acme --limit 50
  confab bot record demo --name 'a parcel is moved to Friday' -o bots/parcel/tests/moved.yml

Exit codes: 0 done, 1 the log holds no such conversation or the file is there already, 64 wrong command line, 130 interrupted.`;

interface Flags { tenant: string; limit: number; name?: string; output?: string }

/** A command may look longer than a request: it is stopped by Ctrl-C. */
const SCAN = { maxScan: 50_000_000, maxScanMillis: 60_000 };

export function recordCommand(context: CliContext): Command {
  return new Command('record').description('make a test of a conversation that took place')
    .addArgument(new Argument('<id>', 'the conversation').argParser(idOf))
    .option('--tenant <tenant>', 'its tenant', tenantName, DEFAULT_TENANT)
    .option('--limit <n>', 'the last so many messages', wholeNumber, 200)
    .option('--name <text>', 'name of the test (default: the id)')
    .option('-o, --output <file>', 'write it to a file that is not there yet')
    .addHelpText('after', ABOUT)
    .action((id: string, flags: Flags) => record(context, id, flags));
}

async function record(context: CliContext, id: string, flags: Flags): Promise<void> {
  const story = await storyOf(context, id, flags);
  if (story === undefined) return;
  if (story.messages.length === 0) throw new ConfabError('CONFAB_CONVERSATION_UNKNOWN', { detail: `There is no message of "${id}" of the tenant "${flags.tenant}" in the log.` });
  if (story.more || story.trimmed) context.stderr.write('The conversation has older messages: the test begins in the middle of it, and may need turns before it.\n');
  const text = recordTest(story, { name: flags.name ?? `conversation ${id}`, bot: await botOf(context, story) });
  if (flags.output === undefined) { context.stdout.write(harmless(text)); return; }
  try {
    await writeFile(flags.output, text, { flag: 'wx' });
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new ConfabError('CONFAB_INPUT_INVALID', { detail: code === 'EEXIST' ? `${flags.output} is there already.` : `${flags.output} cannot be written: ${code}.`, cause });
  }
  context.stdout.write(`${flags.output}: ${story.messages.length} messages\n`);
}

/** undefined when it was interrupted. */
async function storyOf(context: CliContext, conversationId: string, { tenant, limit }: Flags): Promise<Story | undefined> {
  const { clock } = context;
  const codec = await codecOf(context);
  const log = await logOf(context, 'read');
  const until = untilEnded(context);
  try {
    const topics = await storyTopics(log, context.config().pipeline.prefix);
    const { story } = await new StoryReader({ log, codec, topics, clock, ...SCAN, signal: until.signal }).read({ tenant, conversationId, limit });
    return until.signal.aborted ? undefined : story;
  } finally {
    until.settle();
    await log.close();
  }
}

/** The bot by which results of actions are told apart; a recording goes without where it is not here. */
async function botOf(context: CliContext, story: Story): Promise<Bot | undefined> {
  const message = story.messages[0]?.records[0]?.value as Partial<Message> | null;
  const bots = await loadBots(context.config().pipeline.botsDir).catch(() => []);
  return bots.find(({ id }) => id === message?.botId);
}
