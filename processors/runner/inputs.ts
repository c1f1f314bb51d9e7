/** Log records as inputs of a stage: decoded once, with the fault kept for those that cannot be. */
import { ConfabError, isCode, toConfabError } from '../../platform/errors.js';
import type { LogRecord } from '../../platform/event-log/event-log.js';
import type { RecordCodec } from '../../schemas/codec.js';
import type { TopicName } from '../../topology/topology.js';
import type { PartitionShare } from './partition-share.js';
import type { Work } from './work.js';

/** Full topic name → its name in the topology and its codec. */
export type InputTopics = ReadonlyMap<string, InputTopic>;

export interface InputTopic {
  readonly name: TopicName;
  readonly codec: RecordCodec<unknown>;
  /** A record without a value says that the key is gone, and is an input too. */
  readonly tombstones: boolean;
}

const NOT_DECODED = Symbol('not decoded');
const FAULTY = Symbol('faulty');

class InputWork implements Work {
  readonly topic: TopicName;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly timestamp: number;
  value: Work['value'] = NOT_DECODED as never;
  fault: ConfabError | undefined = undefined;
  done = false;
  attempts = 0;
  startedAt = 0;
  span: Work['span'] = undefined;
  readonly headers: Work['headers'];
  readonly rawKey: string | null;
  readonly rawValue: Buffer | null;

  constructor(readonly share: PartitionShare, topic: TopicName, record: LogRecord) {
    this.topic = topic;
    this.partition = share.partition;
    this.offset = record.offset;
    this.key = record.key ?? '';
    this.timestamp = record.timestamp;
    this.headers = record.headers;
    this.rawKey = record.key;
    this.rawValue = record.value;
  }
}

export class Inputs {
  constructor(private readonly topics: InputTopics) {}

  work(share: PartitionShare, record: LogRecord): Work {
    return new InputWork(share, this.name(share.topic), record);
  }

  /** Decodes in place. A promise only when a schema has to be looked up first. @throws CONFAB_REGISTRY_UNAVAILABLE */
  decode(works: readonly Work[]): Promise<void> | undefined {
    for (let i = 0; i < works.length; i += 1) {
      const work = works[i] as InputWork;
      if (work.value !== (NOT_DECODED as never)) continue;
      if (!this.decodeOne(work)) return this.learn(work).then(() => this.decode(works.slice(i)));
    }
    return undefined;
  }

  /** Why the input cannot be processed, if so. */
  fault(work: Work): ConfabError | undefined { return (work as InputWork).fault; }

  private name(topic: string): TopicName {
    const found = this.topics.get(topic);
    if (found === undefined) throw new ConfabError('CONFAB_TOPIC_UNKNOWN', { detail: topic });
    return found.name;
  }

  /** False when the schema is not known yet. */
  private decodeOne(work: InputWork): boolean {
    if (work.rawKey !== null && work.rawValue === null && this.topics.get(work.share.topic)?.tombstones === true) {
      work.value = null;
      return true;
    }
    if (work.rawKey === null || work.rawValue === null) {
      this.spoil(work, new ConfabError('CONFAB_RECORD_INVALID', { detail: `It has no ${work.rawKey === null ? 'key' : 'value'}.` }));
      return true;
    }
    try {
      work.value = this.topics.get(work.share.topic)?.codec.decode(work.rawValue) as Work['value'];
    } catch (error) {
      if (isCode(error, 'CONFAB_SCHEMA_UNKNOWN')) return false;
      this.spoil(work, error);
    }
    return true;
  }

  private async learn(work: InputWork): Promise<void> {
    try {
      await this.topics.get(work.share.topic)?.codec.learn(work.rawValue as Buffer);
      this.decodeAgain(work);
    } catch (error) {
      if (isCode(error, 'CONFAB_REGISTRY_UNAVAILABLE')) throw error;
      this.spoil(work, error);
    }
  }

  private decodeAgain(work: InputWork): void {
    work.value = this.topics.get(work.share.topic)?.codec.decode(work.rawValue as Buffer) as Work['value'];
  }

  private spoil(work: InputWork, error: unknown): void {
    work.fault = toConfabError(error, 'CONFAB_RECORD_INVALID');
    work.value = FAULTY as never;
  }
}
