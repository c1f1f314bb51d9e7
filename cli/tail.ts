/** `confab tail TOPIC`: the newest records of a topic, or all from somewhere on, decoded; reads without a group. */
import { Argument, Command, Option } from 'commander';
import { conversationKey, DEFAULT_TENANT } from '../platform/conversation-key.js';
import { ConfabError } from '../platform/errors.js';
import type { EventLog, LogRecord } from '../platform/event-log/event-log.js';
import { scanBudget } from '../platform/event-log/scan.js';
import { partitionOf } from '../platform/partitioner.js';
import { formatPosition } from '../platform/position.js';
import { decodeValue, merged, messageOf, newestOf, offsetAtTime, offsetFrom, offsetOfCaused, storyTopics, type Decoded, type From, type PartitionSpan, type PlacedRecord } from '../inspect/index.js';
import type { Codec } from '../schemas/codec.js';
import { topicName, topology, type TopicName } from '../topology/topology.js';
import type { CliContext } from './context.js';
import { codecOf, logOf, POLL_MILLIS } from './log.js';
import { conversationId, tenantName, whence, WHENCE_HELP, wholeNumber } from './options.js';
import { recordJson, recordLine } from './tail/text.js';
import { painter, suggestion } from './terminal.js';
import { untilEnded } from './until.js';

interface Flags { conversation?: string; tenant: string; from?: From; limit?: number; follow?: boolean; json?: boolean; text?: boolean }

const NEWEST = 10;
/** How far one partition is searched for the newest records of a conversation. */
const SCAN = { maxRecords: 50_000_000, maxMillis: 60_000 };

const ABOUT = `
Records come in the order of their times: on a terminal a line each with time, partition@offset, key and what it says;
otherwise, and with --json, as one JSON object a line with everything. Read without a consumer group: nobody's position
moves, and it works beside a running process.

Topics: ${Object.keys(topology.topics).join(', ')}

Examples:
  confab tail replies.v1
  confab tail messages.v1 --follow
  confab tail intents.v1 --conversation demo --from 10m
  confab tail dead-letters.v1 --from 2026-01-31T12:00:00Z --limit 100 --json
  confab tail replies.v1 --from start --json | jq -r .value.intent | sort | uniq -c

Exit codes: 0 done (also when the reader of a pipe has gone), 1 failed, 64 wrong command line, 130 interrupted.`;

export function tailCommand(context: CliContext): Command {
  return new Command('tail').description('print the records of a topic, decoded')
    .addArgument(new Argument('<topic>', 'a topic of the topology, such as replies.v1'))
    .option('--conversation <id>', 'only the records of this conversation', conversationId)
    .option('--tenant <tenant>', 'tenant of the conversation', tenantName, DEFAULT_TENANT)
    .option('--from <when>', `begin there instead of with the newest: ${WHENCE_HELP} (a position needs --conversation)`, whence)
    .option('--limit <n>', `the newest so many (${NEWEST} by default); with --from stop after so many`, wholeNumber)
    .option('--follow', 'go on with what comes, until Ctrl-C')
    .addOption(new Option('--no-follow').hideHelp())
    .option('--json', 'print JSON lines, on a terminal too')
    .option('--text', 'print lines for people, into a pipe too')
    .addHelpText('after', ABOUT)
    .action((topic: string, flags: Flags) => tail(context, topic, flags));
}

async function tail(context: CliContext, name: string, flags: Flags): Promise<void> {
  if (!Object.hasOwn(topology.topics, name)) throw new ConfabError('CONFAB_USAGE', { detail: `There is no topic "${name}".${suggestion(name, Object.keys(topology.topics))}` });
  const topic = name as TopicName;
  if (flags.json === true && flags.text === true) throw new ConfabError('CONFAB_USAGE', { detail: '--json and --text exclude each other.' });
  if (flags.conversation !== undefined && !topology.topics[topic].key.startsWith('conversation')) throw new ConfabError('CONFAB_USAGE', { detail: `The records of ${topic} belong to no conversation.` });
  if (flags.from?.kind === 'position' && flags.conversation === undefined) throw new ConfabError('CONFAB_USAGE', { detail: 'A position belongs to a conversation: name it with --conversation.' });
  const config = context.config();
  const codec = await codecOf(context);
  const log = await logOf(context, 'read');
  const until = untilEnded(context);
  try {
    await new Tail(context, { log, codec, prefix: config.pipeline.prefix, topic, flags, signal: until.signal }).print();
  } finally {
    until.settle();
    await log.close();
  }
}

interface Parts {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly prefix: string;
  readonly topic: TopicName;
  readonly flags: Flags;
  readonly signal: AbortSignal;
}

class Tail {
  private readonly name: string;
  private readonly key: string | undefined;
  private readonly asJson: boolean;
  private readonly line: Parameters<typeof recordLine>[3];

  constructor(private readonly context: CliContext, private readonly parts: Parts) {
    const { stdout, env } = context;
    const { flags, prefix, topic } = parts;
    this.name = topicName(prefix, topic);
    this.key = flags.conversation === undefined ? undefined : conversationKey(flags.tenant, flags.conversation);
    this.asJson = flags.json === true || (flags.text !== true && stdout.isTTY !== true);
    this.line = { paint: painter(stdout, env), columns: stdout.isTTY === true ? stdout.columns : undefined };
  }

  async print(): Promise<void> {
    const { log, flags, signal } = this.parts;
    const ends = await this.bounds();
    const next = new Map(ends.map(({ partition, end }) => [partition, end]));
    let left = flags.from === undefined ? Infinity : flags.limit ?? Infinity;
    for await (const placed of this.first(ends)) {
      if (await this.show(placed)) left -= 1;
      if (left === 0 || signal.aborted) return;
    }
    while (flags.follow === true && !signal.aborted) {
      const spans = (await this.bounds()).map(({ partition, end }) => ({ partition, start: next.get(partition) ?? 0, end }));
      for await (const placed of merged(log, this.name, spans, this.accept)) {
        if (await this.show(placed)) left -= 1;
        if (left === 0 || signal.aborted) return;
      }
      for (const { partition, end } of spans) next.set(partition, end);
      await this.context.clock.sleep(POLL_MILLIS[log.kind], signal).catch(() => undefined);
    }
  }

  private readonly accept = ({ key }: LogRecord): boolean => this.key === undefined || key === this.key || key?.startsWith(`${this.key}\0`) === true;

  /** What is there already. */
  private async *first(ends: readonly PartitionSpan[]): AsyncGenerator<PlacedRecord> {
    const { log, flags, signal } = this.parts;
    const { from } = flags;
    if (from === undefined) {
      const budget = () => scanBudget({ clock: this.context.clock, ...SCAN, signal });
      yield* await newestOf(log, this.name, ends, { count: flags.limit ?? NEWEST, accept: this.accept, budget });
      return;
    }
    const spans = [];
    for (const span of ends) spans.push({ ...span, start: await this.startOf(span.partition, from) });
    yield* merged(log, this.name, spans, this.accept);
  }

  private async startOf(partition: number, from: From): Promise<number> {
    const { log, prefix, topic } = this.parts;
    if (from.kind !== 'position') return offsetAtTime(log, this.name, partition, { from, now: this.context.clock.now() });
    const topics = await storyTopics(log, prefix);
    const message = await offsetFrom(log, topics, partition, { from, now: this.context.clock.now() });
    return topic === 'messages.v1' ? message : offsetOfCaused(log, topics, { topic: this.name, partition, message });
  }

  /** Of the partitions that are read: all, or that of the conversation. */
  private async bounds(): Promise<PartitionSpan[]> {
    const all = await this.parts.log.admin.bounds(this.name);
    const only = this.key === undefined ? undefined : partitionOf(this.key, all.length);
    return all.filter(({ partition }) => only === undefined || partition === only);
  }

  /** False when the record belongs to a message before the position that was asked for. */
  private async show(placed: PlacedRecord): Promise<boolean> {
    const { codec, topic, flags } = this.parts;
    const decoded = await decodeValue(codec, topology.topics[topic].record, placed.record.value);
    if (flags.from?.kind === 'position' && isBefore(topic, decoded, flags.from)) return false;
    this.context.stdout.write(`${this.asJson ? recordJson(this.name, placed, decoded) : recordLine(topic, placed, decoded, this.line)}\n`);
    return true;
  }
}

function isBefore(topic: TopicName, decoded: Decoded, { epoch, offset }: { epoch: string; offset: number }): boolean {
  const position = messageOf(topic, decoded);
  return position !== undefined && position < formatPosition(epoch, offset, 0);
}
