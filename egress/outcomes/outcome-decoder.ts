/** Records of replies.v1 and dead-letters.v1 to outcomes. */
import { isCode } from '../../platform/errors.js';
import type { LogRecord } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Codec, RecordCodec } from '../../schemas/codec.js';
import type { BotReply, DeadLetter } from '../../schemas/types.js';
import type { LogTopics } from '../log-topics.js';
import { deadLetterOutcome, replyOutcomes, type Outcome } from './outcome.js';

type Whole = LogRecord & { readonly key: string; readonly value: Buffer };

/** After every outcome of the message at a position. */
const beyondAll = (position: string): string => `${position.slice(0, -2)}99`;

export class OutcomeDecoder {
  private readonly replies: RecordCodec<BotReply>;
  private readonly letters: RecordCodec<DeadLetter>;

  constructor(codec: Codec, private readonly topics: LogTopics, private readonly logger: Logger) {
    this.replies = codec.of('BotReply');
    this.letters = codec.of('DeadLetter');
  }

  /** Appends the outcomes of records of one topic; those that cannot be read are logged and left out. `after`: no frames are made of replies up to this position. */
  async decode(topic: string, records: readonly LogRecord[], into: Outcome[], after = ''): Promise<void> {
    for (let i = 0; i < records.length; i += 1) {
      const record = records[i] as LogRecord;
      if (record.value === null || record.key === null) continue;
      try {
        this.one(topic, record as Whole, into, after);
      } catch (thrown) {
        // Once per schema, not per record.
        if (isCode(thrown, 'CONFAB_SCHEMA_UNKNOWN') && await this.learn(topic, record.value)) { i -= 1; continue; }
        this.logger.error({ err: thrown, topic, offset: record.offset }, 'an outcome cannot be read; it is left out');
      }
    }
  }

  private one(topic: string, { key, value, timestamp }: Whole, into: Outcome[], after: string): void {
    if (topic === this.topics.replies) {
      const reply = this.replies.decode(value);
      if (beyondAll(reply.position) > after) replyOutcomes(key, reply, timestamp, into);
    } else {
      const outcome = deadLetterOutcome(key, this.letters.decode(value), timestamp, this.topics, this.topics.epoch);
      if (outcome) into.push(outcome);
    }
  }

  /** @throws CONFAB_REGISTRY_UNAVAILABLE */
  private async learn(topic: string, value: Buffer): Promise<boolean> {
    try {
      await (topic === this.topics.replies ? this.replies : this.letters).learn(value);
      return true;
    } catch (thrown) {
      if (isCode(thrown, 'CONFAB_REGISTRY_UNAVAILABLE')) throw thrown;
      return false;
    }
  }
}
