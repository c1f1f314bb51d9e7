/** `confab conversation ID`: what the log holds of one conversation, message by message. */
import { Argument, Command } from 'commander';
import { conversationKey, DEFAULT_TENANT } from '../platform/conversation-key.js';
import { ConfabError } from '../platform/errors.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import { partitionOf } from '../platform/partitioner.js';
import { Follower, LiveHops, offsetFrom, StoryReader, storyTopics, type From, type RecordView, type Story } from '../inspect/index.js';
import type { Codec } from '../schemas/codec.js';
import type { CliContext } from './context.js';
import { headText, recordLines, storyText, type TextOptions } from './conversation/text.js';
import { codecOf, logOf, POLL_MILLIS } from './log.js';
import { conversationId as idOf, tenantName, wholeNumber, whence, WHENCE_HELP } from './options.js';
import { errorText, harmlessJson, hasColour, painter } from './terminal.js';
import { untilEnded, type Until } from './until.js';

interface Flags { tenant: string; limit: number; from?: From; json?: boolean; follow?: boolean }

/** A command may look longer than a request: it is stopped by Ctrl-C. */
const SCAN = { maxScan: 50_000_000, maxScanMillis: 60_000 };

const ABOUT = `
Each message is a block: when it was accepted, its id and its outcome; then a line for each record that it caused, with topic,
offset, time since the hop before and what it says. Only the partition of the conversation is read, without a consumer group:
nothing is changed, and it works beside a running process.

Examples:
  confab conversation demo
  confab conversation demo --limit 5 --follow
  confab conversation order-4711 --tenant acme --from 2h
  confab conversation demo --json | jq '.messages[] | {messageId, outcome, tookMs}'

Exit codes: 0 done, 1 the log holds no such conversation, 64 wrong command line, 130 interrupted.`;

export function conversationCommand(context: CliContext): Command {
  return new Command('conversation').description('print the whole story of one conversation, across topics')
    .addArgument(new Argument('<id>', 'the conversation').argParser(idOf))
    .option('--tenant <tenant>', 'its tenant', tenantName, DEFAULT_TENANT)
    .option('--limit <n>', 'messages: the last so many, with --from the first so many', wholeNumber, 20)
    .option('--from <when>', `begin there: ${WHENCE_HELP}`, whence)
    .option('--follow', 'go on with what comes, until Ctrl-C')
    .option('--json', 'print one JSON object; with --follow a JSON object a record')
    .addHelpText('after', ABOUT)
    .action((id: string, flags: Flags) => conversation(context, id, flags));
}

async function conversation(context: CliContext, conversationId: string, flags: Flags): Promise<void> {
  const config = context.config();
  const codec = await codecOf(context);
  const log = await logOf(context, 'read');
  const until = untilEnded(context);
  try {
    await new Teller(context, { log, codec, prefix: config.pipeline.prefix, conversationId, flags, until }).tell();
  } finally {
    until.settle();
    await log.close();
  }
}

interface Parts {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly prefix: string;
  readonly conversationId: string;
  readonly flags: Flags;
  readonly until: Until;
}

class Teller {
  private readonly options: TextOptions;

  constructor(private readonly context: CliContext, private readonly parts: Parts) {
    const { stdout, env } = context;
    this.options = { paint: painter(stdout, env), columns: stdout.isTTY === true ? stdout.columns : undefined };
  }

  async tell(): Promise<void> {
    const { log, codec, prefix, conversationId, flags, until } = this.parts;
    const topics = await storyTopics(log, prefix);
    const { clock } = this.context;
    const reader = new StoryReader({ log, codec, topics, clock, ...SCAN, signal: until.signal });
    const key = conversationKey(flags.tenant, conversationId);
    const from = flags.from === undefined ? undefined : await offsetFrom(log, topics, partitionOf(key, topics.partitions), { from: flags.from, now: clock.now() });
    const follower = flags.follow === true ? new Follower({ log, codec, topics, clock, pollMillis: POLL_MILLIS[log.kind] }) : undefined;
    const live = new LiveHops((error) => { this.context.stderr.write(errorText(error, { colour: hasColour(this.context.stderr, this.context.env), stack: false })); });
    const watch = await follower?.watch(key, live);
    const { story, tracker } = await reader.read({ tenant: flags.tenant, conversationId, limit: flags.limit, ...(from === undefined ? {} : { from }), ...(watch === undefined ? {} : { bounds: watch.bounds }) });
    if (until.signal.aborted) return;
    if (isEmpty(story) && follower === undefined) throw unknown(story);
    this.show(story);
    if (watch === undefined) return;
    for await (const hop of live.until(until.signal)) this.showRecord(tracker.view(hop));
    watch.close();
  }

  private show(story: Story): void {
    const { flags } = this.parts;
    const { stdout } = this.context;
    if (flags.json !== true) { stdout.write(storyText(story, this.options)); return; }
    if (flags.follow !== true) { stdout.write(`${harmlessJson(story)}\n`); return; }
    for (const record of [...story.others, ...story.messages.flatMap(({ records }) => records)]) stdout.write(`${harmlessJson(record)}\n`);
  }

  private showRecord(record: RecordView): void {
    const { stdout } = this.context;
    if (this.parts.flags.json === true) { stdout.write(`${harmlessJson(record)}\n`); return; }
    if (record.topic === 'messages.v1') stdout.write(`\n${headText({ acceptedAt: record.acceptedAt, messageId: record.messageId }, this.options)}\n`);
    stdout.write(`${recordLines(record, this.options).join('\n')}\n`);
  }
}

function unknown({ conversationId, tenant, partition, cut, trimmed }: Story): ConfabError {
  const where = `There is no conversation "${conversationId}" of the tenant "${tenant}" in partition ${partition}`;
  const why = cut ? ', as far as it was searched' : trimmed ? '; its records may have been removed by retention' : '';
  return new ConfabError('CONFAB_CONVERSATION_UNKNOWN', { detail: `${where}${why}.` });
}

const isEmpty = ({ messages, others }: Story): boolean => messages.length === 0 && others.length === 0;
