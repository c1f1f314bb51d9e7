/** One partition of the audit: marks for a stretch of messages, joined with what the later topics say of their offsets. */
import { isCode } from '../platform/errors.js';
import type { LogRecord } from '../platform/event-log/event-log.js';
import { formatPosition, parsePosition } from '../platform/position.js';
import type { RecordCodec } from '../schemas/codec.js';
import { decodeRecord } from '../schemas/decode-record.js';
import type { DeadLetter, Message } from '../schemas/types.js';
import { groupName, topicName, topology, type RecordOf, type TopicName } from '../topology/topology.js';
import { OrderSketch, RepeatSketch } from './audit-sketch.js';
import type { AuditOptions, Finding, FindingKind } from './audit.js';

export interface PartitionOptions extends AuditOptions {
  readonly partition: number;
  readonly epoch: string;
  /** A message accepted before this time should have its outcome. */
  readonly overdue: number;
  readonly report: (finding: Finding) => void;
}

export interface PartitionCounts {
  readonly accepted: number;
  readonly answered: number;
  readonly deadLettered: number;
  readonly retries: number;
  readonly pending: number;
}

/** Marks of a message's offset, one byte each. */
const MARK = { message: 1, reply: 2, letter: 4, young: 8, understood: 16, waiting: 32 } as const;
const OUTCOME = MARK.reply | MARK.letter;
/** Offsets that are judged at a time: what bounds the memory. Order and repeats are judged within one. */
const STRETCH = 8 * 1024 * 1024;
/** A record carries the time of its message; those of neighbours may differ by what acceptance allows, milliseconds. */
const SKEW = 30_000;
/** How long an idempotency key holds. */
const KEY_MILLIS = 24 * 60 * 60 * 1000;

export async function auditPartition(options: PartitionOptions): Promise<PartitionCounts> {
  const { log, prefix, partition, since } = options;
  const bounds = (await log.admin.bounds(topicName(prefix, 'messages.v1'))).find((one) => one.partition === partition);
  const end = bounds?.end ?? 0;
  const first = since === undefined ? bounds?.start ?? 0 : await log.admin.offsetAt(topicName(prefix, 'messages.v1'), partition, since);
  const counts = { accepted: 0, answered: 0, deadLettered: 0, retries: 0, pending: 0 };
  for (let from = first; from < end; from += STRETCH) {
    await new Stretch(options, from, Math.min(end, from + STRETCH), counts, from === first).judge();
  }
  return counts;
}

type Counts = { -readonly [K in keyof PartitionCounts]: number };

class Stretch {
  private readonly marks: Uint8Array;
  private readonly retries = new Set<string>();
  /** Time of the earliest message. */
  private earliest = Infinity;

  constructor(private readonly options: PartitionOptions, private readonly from: number, private readonly to: number, private readonly counts: Counts, private readonly isFirst: boolean) {
    this.marks = new Uint8Array(to - from);
  }

  async judge(): Promise<void> {
    await this.readMessages();
    if (this.earliest === Infinity) return;
    await this.readReplies();
    await this.readLetters();
    const open = this.marks.some((mark) => (mark & (MARK.message | OUTCOME | MARK.young)) === MARK.message);
    const passed = open ? await this.readProgress() : 0;
    await this.sweep(passed);
  }

  private async readMessages(): Promise<void> {
    const repeats = new RepeatSketch(2 * this.marks.length);
    const suspects = new Set<string>();
    for await (const { record, value } of this.read('messages.v1', this.from, this.to, true)) {
      const at = record.offset - this.from;
      this.marks[at] = MARK.message | (record.timestamp > this.options.overdue ? MARK.young : 0);
      this.counts.accepted += 1;
      if (record.timestamp < this.earliest) this.earliest = record.timestamp;
      if (value === undefined) continue;
      if (value.retryOf !== null) { this.counts.retries += 1; this.retries.add(value.retryOf); }
      for (const name of namesOf(value)) if (repeats.seen(name)) suspects.add(name);
    }
    if (suspects.size > 0) await this.confirmRepeats(suspects);
  }

  private async confirmRepeats(suspects: ReadonlySet<string>): Promise<void> {
    const known = new Map<string, LogRecord>();
    for await (const { record, value } of this.read('messages.v1', this.from, this.to)) {
      if (value === undefined) continue;
      let first: LogRecord | undefined;
      for (const name of namesOf(value)) {
        if (!suspects.has(name)) continue;
        const before = known.get(name);
        // An idempotency key is good for a day; after that it may name another message.
        if (before !== undefined && (name !== value.idempotencyKeyHash || record.timestamp - before.timestamp < KEY_MILLIS)) first ??= before;
        else known.set(name, record);
      }
      if (first !== undefined) this.find('doubled', 'messages.v1', record, record.offset, `message ${value.messageId} was accepted before, at offset ${first.offset}`);
    }
  }

  private async readReplies(): Promise<void> {
    const [start, end] = await this.rangeOf('replies.v1');
    const order = new OrderSketch(end - start);
    const suspects = new Set<string>();
    for await (const { record, value } of this.read('replies.v1', start, end, this.isFirst)) {
      const offset = value === undefined ? undefined : this.messageAt(value.position);
      if (offset === undefined) continue;
      // The first stretch reads to the end of the topic and so sees every reply: order is judged there.
      if (this.isFirst && record.key !== null && order.fell(record.key, offset)) suspects.add(record.key);
      this.markOutcome(offset, MARK.reply, 'replies.v1', record);
    }
    if (suspects.size > 0) await this.confirmOrder(suspects, start, end);
  }

  private async confirmOrder(suspects: ReadonlySet<string>, start: number, end: number): Promise<void> {
    const last = new Map<string, number>();
    for await (const { record, value } of this.read('replies.v1', start, end)) {
      if (value === undefined || record.key === null || !suspects.has(record.key)) continue;
      const offset = this.messageAt(value.position);
      if (offset === undefined) continue;
      const before = last.get(record.key) ?? -1;
      if (offset < before) this.find('reordered', 'replies.v1', record, offset, `it stands after the outcome of the later message at offset ${before}`);
      last.set(record.key, Math.max(before, offset));
    }
  }

  private async readLetters(): Promise<void> {
    const { prefix } = this.options;
    const [start, end] = await this.rangeOf('dead-letters.v1');
    for await (const { record, value } of this.read('dead-letters.v1', start, end, this.isFirst)) {
      if (value === undefined) continue;
      if (value.closes !== null || value.status !== 'open') { this.checkClosing(value, record); continue; }
      // The runner writes the name as it is declared; the full name means the same.
      const isMessage = value.topic === 'messages.v1' || value.topic === topicName(prefix, 'messages.v1');
      // What comes later in the topology happens after the message has its outcome.
      if (!isMessage && value.topic !== 'intents.v1' && value.topic !== topicName(prefix, 'intents.v1')) continue;
      const offset = value.position === null ? (isMessage ? value.offset : undefined) : this.messageAt(value.position);
      if (offset !== undefined) this.markOutcome(offset, MARK.letter, 'dead-letters.v1', record);
    }
  }

  /** A letter that was closed as retried must have its retry, while messages of that time are kept. */
  private checkClosing(letter: DeadLetter, record: LogRecord): void {
    if (!this.isFirst || this.options.since !== undefined || letter.status !== 'retried' || letter.closes === null) return;
    if (this.retries.has(letter.closes) || letter.at < this.earliest + SKEW) return;
    this.find('lost', 'dead-letters.v1', record, undefined, `letter ${letter.closes} was closed as retried, and no message is its retry`);
  }

  private markOutcome(offset: number, mark: number, topic: TopicName, record: LogRecord): void {
    const at = offset - this.from;
    if (at < 0 || at >= this.marks.length) return;
    const marks = this.marks[at] ?? 0;
    if ((marks & MARK.message) === 0) { this.find('unasked', topic, record, offset, 'there is no message at its position'); return; }
    if ((marks & OUTCOME) !== 0) { this.find('doubled', topic, record, offset, 'its message has an outcome already'); return; }
    this.marks[at] = marks | mark;
  }

  /**
   * How far the stages are: marks what was understood, and what of that still waits for the dialogue.
   * @returns the offset of messages.v1 that stage intent has passed
   */
  private async readProgress(): Promise<number> {
    const { log, prefix, partition } = this.options;
    const passed = async (stage: 'intent' | 'dialogue', topic: TopicName): Promise<number> =>
      (await log.admin.committed(groupName(prefix, stage), topicName(prefix, topic))).find((one) => one.partition === partition)?.offset ?? 0;
    const [byIntent, byDialogue] = [await passed('intent', 'messages.v1'), await passed('dialogue', 'intents.v1')];
    const [start, end] = await this.rangeOf('intents.v1');
    for await (const { record, value } of this.read('intents.v1', start, end, this.isFirst)) {
      const offset = value === undefined ? undefined : this.messageAt(value.position);
      if (offset === undefined || offset < this.from || offset >= this.to) continue;
      this.marks[offset - this.from] = (this.marks[offset - this.from] ?? 0) | MARK.understood | (record.offset >= byDialogue ? MARK.waiting : 0);
    }
    return byIntent;
  }

  private async sweep(passed: number): Promise<void> {
    for (let at = 0; at < this.marks.length; at += 1) {
      const mark = this.marks[at] ?? 0;
      if ((mark & MARK.message) === 0) continue;
      if ((mark & OUTCOME) !== 0) {
        this.counts.answered += 1;
        if ((mark & MARK.letter) !== 0) this.counts.deadLettered += 1;
        continue;
      }
      if ((mark & MARK.young) !== 0) { this.counts.pending += 1; continue; }
      await this.reportOpen(this.from + at, mark, passed);
    }
  }

  private async reportOpen(offset: number, mark: number, passed: number): Promise<void> {
    const stage = (mark & MARK.understood) === 0 ? (offset >= passed ? 'intent' : undefined) : (mark & MARK.waiting) !== 0 ? 'dialogue' : undefined;
    for await (const { record } of this.read('messages.v1', offset, offset + 1)) {
      if (stage !== undefined) this.find('stuck', 'messages.v1', record, offset, `stage ${stage} has not passed it`);
      else this.find('lost', 'messages.v1', record, offset, (mark & MARK.understood) === 0 ? 'stage intent has passed it and left nothing' : 'stage dialogue has passed it and left nothing');
    }
  }

  /** Offset in messages.v1 of a position of this epoch; undefined for another one, and for what is no position. */
  private messageAt(position: string): number | undefined {
    try {
      const { epoch, offset } = parsePosition(position);
      return epoch === this.options.epoch ? offset : undefined;
    } catch { return undefined; }
  }

  /** Where the records stand that messages of this stretch have caused: records carry the time of their message. */
  private async rangeOf(topic: TopicName): Promise<[number, number]> {
    const { log, prefix, partition, since } = this.options;
    const name = topicName(prefix, topic);
    const bounds = (await log.admin.bounds(name)).find((one) => one.partition === partition);
    const start = this.isFirst && since === undefined ? bounds?.start ?? 0 : await log.admin.offsetAt(name, partition, this.earliest - SKEW);
    return [start, bounds?.end ?? 0];
  }

  /** Records of a topic, decoded; `value` is undefined where it cannot be, which is a finding when `judged`. */
  private async *read<T extends TopicName>(topic: T, from: number, to: number, judged = false): AsyncGenerator<{ record: LogRecord; value: RecordOf<T> | undefined }> {
    const { log, prefix, partition, signal } = this.options;
    const codec = this.options.codec.of(topology.topics[topic].record) as RecordCodec<RecordOf<T>>;
    if (from >= to) return;
    for await (const batch of log.read(topicName(prefix, topic), partition, from, to)) {
      signal?.throwIfAborted();
      for (const record of batch.records) {
        if (record.offset < from || record.offset >= to || record.value === null) continue;
        const value = await decode(codec, record.value);
        if (value === undefined && judged) this.find('unreadable', topic, record, topic === 'messages.v1' ? record.offset : undefined, `not a ${topology.topics[topic].record}`);
        yield { record, value };
      }
    }
  }

  private find(kind: FindingKind, topic: TopicName, record: LogRecord, message: number | undefined, detail: string): void {
    const { prefix, partition, epoch, report } = this.options;
    report({ kind, topic: topicName(prefix, topic), partition, offset: record.offset, key: record.key, position: message === undefined ? null : formatPosition(epoch, message, 0), detail });
  }
}

/** What no other message may be called: its id and its idempotency key, or, of a retry, the letter. */
function namesOf({ messageId, idempotencyKeyHash, retryOf }: Message): readonly string[] {
  if (retryOf !== null) return [`retry ${retryOf}`];
  return idempotencyKeyHash === null ? [messageId] : [messageId, idempotencyKeyHash];
}

async function decode<T>(codec: RecordCodec<T>, bytes: Buffer): Promise<T | undefined> {
  try {
    return await decodeRecord(codec, bytes);
  } catch (error) {
    if (isCode(error, 'CONFAB_REGISTRY_UNAVAILABLE')) throw error;
    return undefined;
  }
}
