/** Writes replies as the dialogue leaves them: the message that each answers stands in messages.v1 at its position. */
import { systemClock } from '../../platform/clock.js';
import { conversationKey, DEFAULT_TENANT } from '../../platform/conversation-key.js';
import type { Appender, EventLog, NewRecord } from '../../platform/event-log/event-log.js';
import { partitionOf } from '../../platform/partitioner.js';
import { epochOf, formatPosition } from '../../platform/position.js';
import { systemRandom, ulidMaker } from '../../platform/random.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import { topicName } from '../../topology/topology.js';
import { textMessage } from '../lib/preload.js';
import { replyText } from './load-settings.js';

export interface WrittenReply {
  readonly conversation: string;
  /** When it is due, microseconds (sharedMicros). */
  readonly dueMicros: number;
  /** Characters of its text. */
  readonly length: number;
  /** When the message was accepted that it answers, milliseconds. Default: now. */
  readonly acceptedAt?: number;
}

interface Known { readonly key: string; readonly partition: number; count: number; prev: string | null }

export class ReplyWriter {
  private readonly codec = createLocalCodec();
  private readonly newId = ulidMaker(systemClock, systemRandom);
  private readonly known = new Map<string, Known>();
  /** Offsets given away in messages.v1, by partition: nobody else writes it. */
  private readonly offsets = new Map<number, number>();
  private records = 0;

  private constructor(private readonly log: EventLog, private readonly appender: Appender, private readonly topics: { readonly messages: string; readonly replies: string; readonly epoch: string; readonly partitions: number }) {}

  static async open(log: EventLog, prefix: string): Promise<ReplyWriter> {
    const messages = await log.topic(topicName(prefix, 'messages.v1'));
    return new ReplyWriter(log, await log.appender(), { messages: messages.name, replies: topicName(prefix, 'replies.v1'), epoch: epochOf(messages.id), partitions: messages.partitions });
  }

  /** Replies written so far, of all conversations. */
  get written(): number { return this.records; }

  /** Of positions: that of the n-th reply to a partition (from 0) is at offset n of messages.v1. */
  get epoch(): string { return this.topics.epoch; }

  /** Messages may be of long ago: brokers refuse them elsewhere. */
  async allowOld(): Promise<void> {
    await this.log.admin.setTopicConfig(this.topics.messages, { 'message.timestamp.before.max.ms': String(7 * 86_400_000) });
  }

  /** Resolves when they are in the log. Calls may overlap: the order is that of the calls. */
  async write(replies: readonly WrittenReply[]): Promise<void> {
    const messages: NewRecord[] = [];
    const answers: NewRecord[] = [];
    for (const reply of replies) this.make(reply, messages, answers);
    this.records += replies.length;
    await this.appender.append([...messages, ...answers]);
  }

  async close(): Promise<void> {
    await this.appender.close();
    await this.log.close();
  }

  private make({ conversation, dueMicros, length, acceptedAt: now = systemClock.now() }: WrittenReply, messages: NewRecord[], answers: NewRecord[]): void {
    const known = this.find(conversation);
    const { key, partition, prev } = known;
    const offset = this.offsets.get(partition) ?? 0;
    this.offsets.set(partition, offset + 1);
    known.count += 1;
    const [position, messageId] = [formatPosition(this.topics.epoch, offset, 0), this.newId()];
    known.prev = formatPosition(this.topics.epoch, offset, 1);
    messages.push({ topic: this.topics.messages, partition, key, timestamp: now, value: this.codec.of('Message').encode(textMessage(messageId, 'hello', 'user')) });
    answers.push({ topic: this.topics.replies, partition, key, timestamp: now, value: this.codec.of('BotReply').encode({
      position, inReplyTo: messageId, replyId: `${messageId}-01`, botId: 'parcel', botVersion: '1', channel: 'api', accountId: null, intent: 'greet', confidence: 0.9, outcome: 'answered',
      author: { type: 'bot', name: null }, parts: [{ text: replyText(known.count, dueMicros, length), quickReplies: [], buttons: [], image: null, citations: [] }],
      handoff: null, effects: [], prev, createdAt: now,
    }) });
  }

  private find(conversation: string): Known {
    const found = this.known.get(conversation);
    if (found !== undefined) return found;
    const key = conversationKey(DEFAULT_TENANT, conversation);
    const made = { key, partition: partitionOf(key, this.topics.partitions), count: 0, prev: null };
    this.known.set(conversation, made);
    return made;
  }
}
