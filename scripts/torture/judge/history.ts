/** What stands in the topics when all is quiet, read beside the product's commands: every record, as far as the verdict needs it. */
import { systemClock } from '../../../platform/clock.js';
import type { EventLog } from '../../../platform/event-log/event-log.js';
import { openKafkaLog } from '../../../platform/event-log/kafkajs.js';
import { silentLogger } from '../../../platform/observability/logger.js';
import { epochOf, formatPosition } from '../../../platform/position.js';
import { createLocalCodec } from '../../../schemas/codec-local.js';
import type { RecordTypes } from '../../../schemas/types.js';
import { groupName, topicName, topology, type StageName, type TopicName } from '../../../topology/topology.js';

/** Records of one conversation, each list in the order of the log. */
export interface ConversationHistory {
  readonly messages: { readonly position: string; readonly messageId: string; readonly text: string }[];
  /** Positions of the messages that they are of. */
  readonly intents: string[];
  readonly replies: { readonly position: string; readonly inReplyTo: string; readonly prev: string | null }[];
  readonly letters: { readonly position: string; readonly code: string }[];
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
const idOf = (key: string | null): string => (key ?? '').replace(/^default\//, '');

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
      if (found === undefined) conversations.set(idOf(key), found = { messages: [], intents: [], replies: [], letters: [], state: undefined });
      return found;
    };
    for await (const { key, offset, value } of this.all('messages.v1', 'Message')) of(key).messages.push({ position: formatPosition(epoch, offset, 0), messageId: value.messageId, text: typeof value.text === 'string' ? value.text : '' });
    for await (const { key, value } of this.all('intents.v1', 'IntentDetected')) of(key).intents.push(value.position);
    for await (const { key, value } of this.all('replies.v1', 'BotReply')) of(key).replies.push({ position: value.position, inReplyTo: value.inReplyTo ?? '', prev: value.prev });
    for await (const { key, value } of this.all('dead-letters.v1', 'DeadLetter')) if (value.status === 'open') of(key).letters.push({ position: value.position ?? '', code: value.errorCode });
    for await (const { key, value } of this.all('dialogue-states.v1', 'DialogueState')) of(key).state = { reflects: value.reflects, turns: value.turns };
    const counts = new Map<string, number>();
    for await (const { key, value } of this.all('analytics.v1', 'AnalyticsCount')) counts.set(key ?? '', value.replies);
    return { epoch, conversations, counted: [...counts.values()].reduce((sum, each) => sum + each, 0) };
  }

  private async *all<R extends keyof RecordTypes>(topic: TopicName, record: R): AsyncGenerator<{ key: string | null; offset: number; value: RecordTypes[R] }> {
    for (let partition = 0; partition < this.partitions; partition += 1) {
      for await (const batch of this.log.read(topicName(this.prefix, topic), partition, 0)) {
        for (const { key, offset, value } of batch.records) if (value !== null) yield { key, offset, value: codec.of(record).decode(value) };
      }
    }
  }
}
