/**
 * What all judges of a partition share: marks of its messages, the words of findings, and questions to the log that are asked
 * between two batches, so that judging itself never waits.
 */
import type { EventLog, LogRecord } from '../../platform/event-log/event-log.js';
import { partitionOf } from '../../platform/partitioner.js';
import { formatPosition } from '../../platform/position.js';
import type { Codec } from '../../schemas/codec.js';
import { decodeRecord } from '../../schemas/decode-record.js';
import type { Message } from '../../schemas/types.js';
import { topicName, type TopicName } from '../../topology/topology.js';
import { noCounts, type Findings, type FindingKind } from './finding.js';
import { hash, hashAt } from './hash.js';
import { DIFFERS, MARK, type Marks } from './marks.js';

export interface LedgerOptions {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly prefix: string;
  readonly partition: number;
  readonly partitions: number;
  readonly epoch: string;
  readonly findings: Findings;
  readonly marks: Marks;
}

/** What a finding is about, beside its kind. */
export interface About {
  /** Offset of the message in messages.v1. */
  readonly message?: number | undefined;
  readonly messageId?: string | null | undefined;
  readonly detail: string;
}

const POSITION = /^[0-9a-f]{8}-\d{12}-\d{2}$/;

export class Ledger {
  readonly counts = noCounts();
  readonly marks: Marks;
  /** Exclusive: there is no message at or after it. */
  end = 0;
  private readonly questions: (() => void | Promise<void>)[] = [];

  constructor(readonly options: LedgerOptions) { this.marks = options.marks; }

  /**
   * The message that a position names, as its offset.
   * @returns undefined when it is none of this audit: of another life of the topic, or before the beginning
   */
  messageAt(position: string, topic: TopicName, record: LogRecord): number | undefined {
    if (!POSITION.test(position)) {
      this.find('unreadable', topic, record, { detail: 'its position is none' });
      return undefined;
    }
    const offset = Number(position.slice(9, 21));
    if (position.startsWith(this.options.epoch) && offset >= this.marks.floor) return offset;
    this.counts.unjudged += 1;
    return undefined;
  }

  /** The mark of a message; undefined, with a finding, when there is no message. */
  markOf(offset: number, topic: TopicName, record: LogRecord, messageId?: string | null): number | undefined {
    const mark = offset < this.end ? this.marks.get(offset) : 0;
    if ((mark & MARK.message) !== 0) return mark;
    this.find('unasked', topic, record, { message: offset, messageId, detail: 'there is no message at its position' });
    return undefined;
  }

  /**
   * Holds a record against its message: key, time and, where it is known, the message's id.
   * @returns false when it is under another key, as far as is known at once
   */
  compare(offset: number, topic: TopicName, record: LogRecord, messageId: string | null): boolean {
    const print = { key: hash(record.key ?? ''), time: hashAt('', record.timestamp), id: messageId === null ? 0 : hash(messageId) };
    const differs = this.marks.differs(offset, print);
    if (differs !== undefined) {
      this.tell(differs, offset, topic, record, messageId);
      return (differs & DIFFERS.key) === 0;
    }
    this.ask(async () => {
      const found = await this.message(offset);
      if (found === undefined) return;
      this.tell((found.record.key === record.key ? 0 : DIFFERS.key) | (found.record.timestamp === record.timestamp ? 0 : DIFFERS.time) | (messageId === null || found.value === undefined || found.value.messageId === messageId ? 0 : DIFFERS.id), offset, topic, record, messageId);
    });
    return true;
  }

  private tell(differs: number, message: number, topic: TopicName, record: LogRecord, messageId: string | null): void {
    if (differs === 0) return;
    if ((differs & DIFFERS.key) !== 0) this.find('misplaced', topic, record, { message, messageId, detail: 'its message is one of another conversation' });
    else if ((differs & DIFFERS.id) !== 0) this.find('misplaced', topic, record, { message, messageId, detail: 'it names another message than the one at its position' });
    if ((differs & DIFFERS.time) !== 0) this.find('mistimed', topic, record, { message, messageId, detail: `its timestamp ${timeOf(record.timestamp)} is not the time at which its message was accepted` });
  }

  /** Whether the record is in the partition of its key; a finding when it is not. */
  placed(topic: TopicName, record: LogRecord, about: Omit<About, 'detail'> = {}): boolean {
    const { partition, partitions } = this.options;
    const right = record.key === null ? undefined : partitionOf(record.key, partitions);
    if (right === partition) return true;
    this.find('misplaced', topic, record, { ...about, detail: right === undefined ? 'it has no key' : `its key belongs to partition ${right}` });
    return false;
  }

  find(kind: FindingKind, topic: TopicName, record: Pick<LogRecord, 'offset' | 'key'>, { message, messageId, detail }: About): void {
    const { prefix, partition, findings } = this.options;
    const name = topicName(prefix, topic);
    const { offset } = record;
    if (!findings.wants(kind, name)) { findings.count(kind); return; }
    this.ask(() => {
      if (findings.wants(kind, name)) findings.add({ kind, topic: name, partition, offset, key: record.key, position: message === undefined ? null : this.positionOf(message), messageId: messageId ?? null, detail });
      else findings.count(kind);
    });
  }

  /** A finding about a message that is not in hand: it is looked up when it is told. */
  findAt(kind: FindingKind, message: number, detail: string): void {
    const { prefix, partition, findings } = this.options;
    const topic = topicName(prefix, 'messages.v1');
    if (!findings.wants(kind, topic)) { findings.count(kind); return; }
    this.ask(async () => {
      if (!findings.wants(kind, topic)) { findings.count(kind); return; }
      const found = await this.message(message);
      findings.add({ kind, topic, partition, offset: message, key: found?.record.key ?? null, position: this.positionOf(message), messageId: found?.value?.messageId ?? null, detail });
    });
  }

  positionOf(message: number): string { return formatPosition(this.options.epoch, message, 0); }

  /** Asked in this order, when `answer` is called next. */
  ask(question: () => void | Promise<void>): void { this.questions.push(question); }

  get asks(): boolean { return this.questions.length > 0; }

  async answer(): Promise<void> {
    while (this.questions.length > 0) {
      const asked = this.questions.splice(0);
      for (let at = 0; at < asked.length; at += 1) {
        try {
          await asked[at]?.();
        } catch (error) {
          // What was not answered is asked again.
          this.questions.unshift(...asked.slice(at));
          throw error;
        }
      }
    }
  }

  /** The message at an offset, as far as it can be read. */
  async message(offset: number): Promise<{ record: LogRecord; value: Message | undefined } | undefined> {
    const record = await this.recordAt('messages.v1', offset);
    if (record === undefined) return undefined;
    const value = record.value === null ? undefined : await decodeRecord(this.options.codec.of('Message'), record.value).catch(() => undefined);
    return { record, value };
  }

  /** The record at an offset; undefined when it is gone. */
  async recordAt(topic: TopicName, offset: number): Promise<LogRecord | undefined> {
    const { log, prefix, partition } = this.options;
    for await (const { records } of log.read(topicName(prefix, topic), partition, offset, offset + 1)) {
      const found = records.find((record) => record.offset === offset);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

export const timeOf = (millis: number): string => (Math.abs(millis) <= 8.64e15 ? new Date(millis).toISOString() : String(millis));
