/** For tests only: a log with messages and dead letters written by hand. */
import { systemClock } from '../../platform/clock.js';
import type { EventLog, LogRecord } from '../../platform/event-log/event-log.js';
import { partitionOf } from '../../platform/partitioner.js';
import { epochOf, formatPosition } from '../../platform/position.js';
import { systemRandom } from '../../platform/random.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import type { DeadLetter, IntentDetected, Message } from '../../schemas/types.js';
import { topicSpec } from '../../topology/topic-config.js';
import { topology, topicName, type RecordOf, type TopicName } from '../../topology/topology.js';
import { LetterDesk, type LetterDeskOptions } from './letter-desk.js';

export const MESSAGE: Message = {
  kind: 'text', messageId: '01ARZ3NDEKTSV4RRFFQ69G5FAV', botId: 'parcel', channel: 'web', accountId: null, userId: 'u', author: { type: 'person', name: null }, text: 'hello', payload: null,
  replyId: null, locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: 'hash', bodyHash: 'body', retryOf: null,
};

export class LetterScene {
  readonly codec = createLocalCodec();

  private constructor(readonly log: EventLog, readonly prefix: string, readonly partitions: number) {}

  static async over(log: EventLog, prefix = '', partitions = 4): Promise<LetterScene> {
    for (const name of Object.keys(topology.topics)) await log.admin.createTopic(topicSpec(name, topology, { prefix, partitions }));
    return new LetterScene(log, prefix, partitions);
  }

  desk(more: Partial<LetterDeskOptions> = {}): LetterDesk {
    return new LetterDesk({ log: this.log, codec: this.codec, clock: systemClock, random: systemRandom, prefix: this.prefix, ...more });
  }

  async append(topic: TopicName, key: string, value: Buffer | null): Promise<{ partition: number; offset: number }> {
    const appender = await this.log.appender();
    const partition = partitionOf(key, this.partitions);
    const [offset = -1] = await appender.append([{ topic: topicName(this.prefix, topic), partition, key, value, timestamp: systemClock.now() }]);
    await appender.close();
    return { partition, offset };
  }

  /** A message that the intent stage gave up; returns the id of its letter. */
  async deadMessage(conversation: string, more: Partial<DeadLetter> = {}, message: Partial<Message> = {}): Promise<{ id: string; position: string }> {
    const key = `default/${conversation}`;
    const value = this.codec.of('Message').encode({ ...MESSAGE, ...message });
    const { partition, offset } = await this.append('messages.v1', key, value);
    const position = formatPosition(epochOf((await this.log.topic(topicName(this.prefix, 'messages.v1'))).id), offset, 0);
    return { id: await this.letter(key, { partition, offset, position, originalValue: value, messageId: { ...MESSAGE, ...message }.messageId, ...more }), position };
  }

  /** A message that the dialogue stage gave up. */
  async deadIntent(conversation: string, more: Partial<DeadLetter> = {}): Promise<string> {
    const key = `default/${conversation}`;
    const intent: IntentDetected = { position: '00000000-000000000007-00', message: MESSAGE, results: [], detectedAt: null };
    const value = this.codec.of('IntentDetected').encode(intent);
    const { partition, offset } = await this.append('intents.v1', key, value);
    return this.letter(key, { stage: 'dialogue', topic: 'intents.v1', partition, offset, originalValue: value, ...more });
  }

  async letter(key: string, more: Partial<DeadLetter>): Promise<string> {
    const letter: DeadLetter = {
      status: 'open', closes: null, position: null, messageId: MESSAGE.messageId, stage: 'intent', phase: 'process', topic: 'messages.v1', partition: 0, offset: 0,
      originalKey: Buffer.from(key), originalValue: null, errorCode: 'CONFAB_STAGE_FAILED', errorMessage: 'A stage failed', attempts: 1, at: systemClock.now(), ...more,
    };
    const { partition, offset } = await this.append('dead-letters.v1', key, this.codec.of('DeadLetter').encode(letter));
    return `${partition}-${offset}`;
  }

  /** Every committed record of a topic. */
  async all<T extends TopicName>(topic: T): Promise<{ record: LogRecord; partition: number; value: RecordOf<T> }[]> {
    const name = topicName(this.prefix, topic);
    const codec = this.codec.of(topology.topics[topic].record);
    const found: { record: LogRecord; partition: number; value: RecordOf<T> }[] = [];
    for (const { partition } of await this.log.admin.bounds(name)) {
      for await (const batch of this.log.read(name, partition, 0, await this.log.settledEnd(name, partition))) {
        for (const record of batch.records) if (record.value !== null) found.push({ record, partition, value: codec.decode(record.value) as RecordOf<T> });
      }
    }
    return found;
  }
}
