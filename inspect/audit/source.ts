/** One topic of a partition as a row of decoded records, batch by batch; the next batch is fetched while one is worked on. */
import { isCode } from '../../platform/errors.js';
import type { EventLog, LogRecord, RecordBatch } from '../../platform/event-log/event-log.js';
import type { Codec, RecordCodec } from '../../schemas/codec.js';
import { decodeRecord } from '../../schemas/decode-record.js';
import { topicName, topology, type RecordOf, type TopicName } from '../../topology/topology.js';

export interface SourceOptions {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly prefix: string;
  readonly partition: number;
  readonly signal?: AbortSignal;
}

/** A value: undefined where the bytes are none of the topic, null for a tombstone. */
export type Value<T extends TopicName> = RecordOf<T> | null | undefined;

export class Source<T extends TopicName> {
  records: readonly LogRecord[] = [];
  values: Value<T>[] = [];
  /** The next record of the batch. */
  at = 0;
  /** Bytes of keys and values, and records, so far. */
  bytes = 0;
  count = 0;
  private readonly name: string;
  private readonly codec: RecordCodec<RecordOf<T>>;
  private iterator: AsyncIterator<RecordBatch> | undefined;
  private ahead: Promise<IteratorResult<RecordBatch>> | undefined;
  private to = 0;

  /** `wanted`: records with other keys are left out unread. */
  constructor(private readonly options: SourceOptions, readonly topic: T, private next: number, private readonly wanted?: (key: string | null) => boolean) {
    this.name = topicName(options.prefix, topic);
    this.codec = options.codec.of(topology.topics[topic].record) as RecordCodec<RecordOf<T>>;
  }

  /** From now on there is more to read, up to here. */
  extend(to: number): void { this.to = to; }

  /** Every record below this offset has been handed out. */
  get passed(): number { return this.at < this.records.length ? (this.records[this.at] as LogRecord).offset : this.next; }

  /** Takes the next batch when the last is used up; false at the end. @throws CONFAB_LOG_UNAVAILABLE, CONFAB_REGISTRY_UNAVAILABLE */
  async load(): Promise<boolean> {
    while (this.at >= this.records.length) {
      this.options.signal?.throwIfAborted();
      if (this.ahead === undefined) {
        if (this.next >= this.to) return false;
        this.iterator = this.options.log.read(this.name, this.options.partition, this.next, this.to)[Symbol.asyncIterator]();
        this.ahead = this.iterator.next();
      }
      const { done, value } = await this.upcoming(this.ahead);
      if (done === true) {
        this.ahead = undefined;
        this.next = Math.max(this.next, this.to);
        continue;
      }
      this.ahead = this.iterator?.next();
      // It is awaited later; an error that comes before is not forgotten, only not told twice.
      this.ahead?.catch(() => undefined);
      await this.take(value);
    }
    return true;
  }

  async close(): Promise<void> {
    await this.ahead?.catch(() => undefined);
    await this.iterator?.return?.();
    this.ahead = undefined;
  }

  /** After an error it can be tried again: it goes on behind what was handed out. */
  private async upcoming(ahead: Promise<IteratorResult<RecordBatch>>): Promise<IteratorResult<RecordBatch, undefined>> {
    try {
      return await ahead as IteratorResult<RecordBatch, undefined>;
    } catch (error) {
      this.ahead = undefined;
      throw error;
    }
  }

  private async take(batch: RecordBatch): Promise<void> {
    const { next, to, wanted } = this;
    const records = batch.records.filter(({ offset, key }) => offset >= next && offset < to && (wanted === undefined || wanted(key)));
    const values = new Array<Value<T>>(records.length);
    for (let at = 0; at < records.length; at += 1) {
      const { key, value } = records[at] as LogRecord;
      this.bytes += (key?.length ?? 0) + (value?.length ?? 0);
      if (value === null) { values[at] = null; continue; }
      try {
        values[at] = this.codec.decode(value);
      } catch (error) {
        values[at] = isCode(error, 'CONFAB_SCHEMA_UNKNOWN') ? await this.learned(value) : undefined;
      }
    }
    this.count += records.length;
    this.records = records;
    this.values = values;
    this.at = 0;
    this.next = Math.max(next, Math.min(batch.nextOffset, to));
  }

  private async learned(bytes: Buffer): Promise<Value<T>> {
    try {
      return await decodeRecord(this.codec, bytes);
    } catch (error) {
      if (isCode(error, 'CONFAB_REGISTRY_UNAVAILABLE')) throw error;
      return undefined;
    }
  }
}
