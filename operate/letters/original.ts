/**
 * What a dead letter is about: the record that a stage could not process, and the message in it that a retry would append.
 * Only what the outcome of a message hangs on can be retried: after the reply, a second message would be a second answer.
 */
import { CONVERSATION_ID_FORM, splitConversationKey, TENANT_FORM } from '../../platform/conversation-key.js';
import { ConfabError, isCode } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import type { Codec } from '../../schemas/codec.js';
import type { Message } from '../../schemas/types.js';
import { stagesTowards } from '../../topology/outcome-path.js';
import { topicName, topology, type RecordOf, type TopicName } from '../../topology/topology.js';
import { decodeRecord } from '../../schemas/decode-record.js';
import { letterId, type Letter } from './letter.js';

export interface OriginalsOptions {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly prefix: string;
}

export type Original =
  | { readonly topic: TopicName; readonly value: RecordOf<TopicName> }
  | { readonly topic: TopicName | undefined; readonly value: undefined; readonly bytes: Buffer | null; readonly error: ConfabError };

const ANSWERING = stagesTowards(topology, 'replies.v1');

const refuse = (detail: string): never => { throw new ConfabError('CONFAB_LETTER_NOT_RETRIABLE', { detail }); };

export class Originals {
  constructor(private readonly options: OriginalsOptions) {}

  /** The record, decoded where that is possible. Of a long one the letter has only the beginning: the whole stands where it came from. */
  async of(letter: Letter): Promise<Original> {
    const { record } = letter;
    const topic = this.topicOf(record.topic);
    const bytes = record.originalValue;
    if (topic === undefined) return { topic, value: undefined, bytes, error: new ConfabError('CONFAB_TOPIC_UNKNOWN', { detail: `${record.topic} is not a topic of the topology.` }) };
    if (bytes === null) return { topic, value: undefined, bytes, error: new ConfabError('CONFAB_RECORD_INVALID', { detail: 'The record has no value.' }) };
    const codec = this.options.codec.of(topology.topics[topic].record);
    try {
      return { topic, value: await decodeRecord(codec, bytes) };
    } catch (error) {
      if (!isCode(error, 'CONFAB_RECORD_INVALID', 'CONFAB_SCHEMA_UNKNOWN')) throw error;
      const whole = await this.whole(topic, letter, bytes);
      if (whole === undefined) return { topic, value: undefined, bytes, error };
      return decodeRecord(codec, whole).then((value) => ({ topic, value }), (thrown: unknown) => ({ topic, value: undefined, bytes: whole, error: thrown as ConfabError }));
    }
  }

  /**
   * The message that a retry appends: same id, without its idempotency key, which goes on meaning the first acceptance.
   * @throws CONFAB_LETTER_NOT_RETRIABLE
   */
  async message(letter: Letter): Promise<{ key: string; message: Message }> {
    const { stage } = letter.record;
    const topic = this.topicOf(letter.record.topic);
    if (topic !== 'messages.v1' && topic !== 'intents.v1') return refuse(`The stage "${stage}" works on ${letter.record.topic}, after the message was answered: a retry would answer it twice.`);
    if (Object.hasOwn(topology.stages, stage) && !ANSWERING.has(stage)) return refuse(`No answer hangs on the stage "${stage}": a retry would answer the message twice.`);
    const key = letter.record.originalKey?.toString() ?? letter.key;
    if (key === null || !isConversation(key)) return refuse('The key of the record is not that of a conversation.');
    const original = await this.of(letter);
    if (original.value === undefined) return refuse(`The record cannot be read: ${original.error.code}. ${original.error.detail}`);
    const message = original.topic === 'intents.v1' ? (original.value as RecordOf<'intents.v1'>).message : original.value as Message;
    return { key, message: { ...message, idempotencyKeyHash: null, bodyHash: null, retryOf: letterId(letter.place) } };
  }

  /** The runner writes the name as it is declared; the full name means the same. */
  private topicOf(given: string): TopicName | undefined {
    return (Object.keys(topology.topics) as TopicName[]).find((name) => name === given || topicName(this.options.prefix, name) === given);
  }

  /** The record itself, when the letter has only its beginning and the log still has it. */
  private async whole(topic: TopicName, letter: Letter, beginning: Buffer): Promise<Buffer | undefined> {
    const { partition, offset } = letter.record;
    try {
      for await (const batch of this.options.log.read(topicName(this.options.prefix, topic), partition, offset, offset + 1)) {
        const found = batch.records.find((record) => record.offset === offset)?.value;
        if (found && found.length > beginning.length && found.subarray(0, beginning.length).equals(beginning)) return found;
      }
    } catch (error) {
      // The place is one that a letter claims: what is not there, or not for us to read, cannot help.
      if (!isCode(error, 'CONFAB_OFFSET_OUT_OF_RANGE', 'CONFAB_PARTITION_UNKNOWN', 'CONFAB_TOPIC_UNKNOWN', 'CONFAB_LOG_REFUSED')) throw error;
    }
    return undefined;
  }
}

function isConversation(key: string): boolean {
  const { tenant, conversationId } = splitConversationKey(key);
  return key.includes('/') && TENANT_FORM.test(tenant) && CONVERSATION_ID_FORM.test(conversationId);
}
