/** What stands in the topics when all is quiet, read beside the product's commands: every record, as far as the verdict needs it. */
import { systemClock } from '../../../platform/clock.js';
import type { EventLog, LogRecord } from '../../../platform/event-log/event-log.js';
import { openKafkaLog } from '../../../platform/event-log/kafkajs.js';
import { silentLogger } from '../../../platform/observability/logger.js';
import { epochOf, formatPosition } from '../../../platform/position.js';
import { createLocalCodec } from '../../../schemas/codec-local.js';
import type { BotReply, RecordTypes } from '../../../schemas/types.js';
import { groupName, topicName, topology, type StageName, type TopicName } from '../../../topology/topology.js';

export interface StoredMessage {
  readonly position: string;
  readonly messageId: string;
  readonly text: string;
  /** Of a message that is a timer: which, and when it came, Unix milliseconds. */
  readonly timer?: { readonly id: string; readonly at: number };
}

export interface StoredReply {
  readonly position: string;
  /** '' for what no message asked for. */
  readonly inReplyTo: string;
  readonly prev: string | null;
  readonly bot: string;
  readonly version: string;
  /** Its texts; undefined when it has no parts. */
  readonly said: string | undefined;
  readonly effects: readonly { readonly key: string; readonly status: string; readonly result: string | null }[];
}

export interface SetTimer {
  /** `name@position of the message that set it`. */
  readonly id: string;
  /** Unix milliseconds. */
  readonly dueAt: number;
}

/** Records of one conversation, each list in the order of the log. */
export interface ConversationHistory {
  readonly messages: StoredMessage[];
  /** Positions of the messages that they are of. */
  readonly intents: string[];
  readonly replies: StoredReply[];
  readonly letters: { readonly position: string; readonly code: string }[];
  /** Timers that were set, and keys that were taken away again: because they came, or were taken back. */
  readonly timers: SetTimer[];
  readonly tombstones: string[];
  /** The newest. */
  state: { readonly reflects: string; readonly turns: number } | undefined;
}

export interface History {
  readonly epoch: string;
  /** By conversation id. */
  readonly conversations: ReadonlyMap<string, ConversationHistory>;
  /** Replies that the newest counts add up to. */
  readonly counted: number;
}

const codec = createLocalCodec();
const idOf = (key: string | null): string => (key ?? '').replace(/^default\//, '').replace(/\0.*$/, '');
const plain = (text: unknown): string => (typeof text === 'string' ? text : '');

export class LogReader {
  private constructor(private readonly log: EventLog, private readonly prefix: string, private readonly partitions: number) {}

  static async open(brokers: readonly string[], prefix: string, partitions: number): Promise<LogReader> {
    return new LogReader(await openKafkaLog({ brokers: [...brokers], clientId: 'torture', clock: systemClock, logger: silentLogger }), prefix, partitions);
  }

  close(): Promise<void> { return this.log.close(); }

  /** Offsets of `messages.v1` that are taken: grows while something is written. */
  async messagesEnd(): Promise<number> {
    return (await this.log.admin.bounds(topicName(this.prefix, 'messages.v1'))).reduce((sum, { end }) => sum + end, 0);
  }

  /** By `group on topic`: offsets that it has not committed yet. */
  async lags(): Promise<Record<string, number>> {
    const lags: Record<string, number> = {};
    const stages = Object.entries(topology.stages).flatMap(([stage, { reads }]) => reads.map((topic): [string, TopicName] => [stage, topic]));
    for (const [group, topic] of [...stages, ['egress', 'replies.v1'], ['egress', 'dead-letters.v1']] as [string, TopicName][]) {
      const name = topicName(this.prefix, topic);
      const [bounds, committed] = await Promise.all([this.log.admin.bounds(name), this.log.admin.committed(groupName(this.prefix, group as StageName), name)]);
      const lag = bounds.reduce((sum, { partition, start, end }) => sum + end - (committed.find((each) => each.partition === partition)?.offset ?? start), 0);
      if (lag !== 0) lags[`${group} on ${topic}`] = lag;
    }
    return lags;
  }

  async history(): Promise<History> {
    const epoch = epochOf((await this.log.topic(topicName(this.prefix, 'messages.v1'))).id);
    const conversations = new Map<string, ConversationHistory>();
    const of = (key: string | null): ConversationHistory => {
      let found = conversations.get(idOf(key));
      if (found === undefined) conversations.set(idOf(key), found = { messages: [], intents: [], replies: [], letters: [], timers: [], tombstones: [], state: undefined });
      return found;
    };
    for await (const { key, offset, timestamp, value } of this.all('messages.v1', 'Message')) of(key).messages.push({ position: formatPosition(epoch, offset, 0), messageId: value.messageId, text: plain(value.text), ...(value.kind === 'timer' ? { timer: { id: plain(value.attributes.timerId), at: timestamp } } : {}) });
    for await (const { key, value } of this.all('intents.v1', 'IntentDetected')) of(key).intents.push(value.position);
    for await (const { key, value } of this.all('replies.v1', 'BotReply')) of(key).replies.push(replyOf(value));
    for await (const { key, value } of this.all('dead-letters.v1', 'DeadLetter')) if (value.status === 'open') of(key).letters.push({ position: value.position ?? '', code: value.errorCode });
    for await (const { key, value } of this.all('dialogue-states.v1', 'DialogueState')) of(key).state = { reflects: value.reflects, turns: value.turns };
    for await (const { key, value } of this.all('timers.v1', 'Timer')) of(key).timers.push({ id: value.timerId, dueAt: value.dueAt });
    for await (const { key, value } of this.raw('timers.v1')) if (value === null) of(key).tombstones.push((key ?? '').slice((key ?? '').indexOf('\0') + 1));
    const counts = new Map<string, number>();
    for await (const { key, value } of this.all('analytics.v1', 'AnalyticsCount')) counts.set(key ?? '', value.replies);
    return { epoch, conversations, counted: [...counts.values()].reduce((sum, each) => sum + each, 0) };
  }

  /** Timers that are due within so long, or were, and are still set. */
  async timersDue(within: number): Promise<number> {
    const newest = new Map<string, number>();
    for await (const { key, value } of this.raw('timers.v1')) newest.set(key ?? '', value === null ? Infinity : codec.of('Timer').decode(value).dueAt);
    const until = systemClock.now() + within;
    return [...newest.values()].filter((dueAt) => dueAt <= until).length;
  }

  private async *all<R extends keyof RecordTypes>(topic: TopicName, record: R): AsyncGenerator<{ key: string | null; offset: number; timestamp: number; value: RecordTypes[R] }> {
    for await (const { key, offset, timestamp, value } of this.raw(topic)) if (value !== null) yield { key, offset, timestamp, value: codec.of(record).decode(value) };
  }

  private async *raw(topic: TopicName): AsyncGenerator<LogRecord> {
    for (let partition = 0; partition < this.partitions; partition += 1) {
      for await (const batch of this.log.read(topicName(this.prefix, topic), partition, 0)) yield* batch.records;
    }
  }
}

function replyOf({ position, inReplyTo, prev, botId, botVersion, parts, effects }: BotReply): StoredReply {
  return {
    position, inReplyTo: inReplyTo ?? '', prev, bot: botId, version: botVersion, said: parts.length === 0 ? undefined : parts.map(({ text }) => plain(text)).join(' '),
    effects: effects.map(({ key, status, result }) => ({ key, status, result: typeof result === 'string' ? result : null })),
  };
}
