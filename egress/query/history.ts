/**
 * The events of one conversation from the log. Nothing is kept for it: an offset in messages.v1 is a position, so a page is
 * found by scanning that partition from there; the outcomes of its messages are in replies.v1 at or after their acceptance
 * time, and the scan ends when each message of the page has its outcome. Every scan is bounded in records and time: a page
 * that was cut short by that ends where the scan ended, and `next` goes on from there.
 */
import type { Clock } from '../../platform/clock.js';
import type { EventLog, LogRecord } from '../../platform/event-log/event-log.js';
import { CLOCK_ALLOWANCE, newestRecords, scanBudget, type ScanBudget } from '../../platform/event-log/scan.js';
import { formatPosition, parsePosition } from '../../platform/position.js';
import { splitConversationKey } from '../../platform/conversation-key.js';
import type { Codec, RecordCodec } from '../../schemas/codec.js';
import type { Message } from '../../schemas/types.js';
import type { LogTopics } from '../log-topics.js';
import type { OutcomeDecoder } from '../outcomes/outcome-decoder.js';
import type { Outcome } from '../outcomes/outcome.js';
import { messageEvent } from './message-event.js';

export interface Page {
  /** Objects as JSON text, in the order that was asked for. */
  readonly events: readonly string[];
  /** Goes on in the same direction; null: there is nothing more. */
  readonly next: string | null;
  /** Older ones are no longer kept. */
  readonly truncated: boolean;
}

export interface HistoryOptions {
  readonly log: EventLog;
  readonly topics: LogTopics;
  readonly codec: Codec;
  readonly decoder: OutcomeDecoder;
  readonly clock: Clock;
  /** Records of one partition that one page may look at. Default 500,000. */
  readonly maxScan?: number;
  /** Default 2000. */
  readonly maxScanMillis?: number;
}

interface Event { readonly position: string; readonly json: string }
interface Found { readonly offset: number; readonly timestamp: number; readonly event: Event | undefined }
interface Scan { readonly found: Found[]; /** First offset that was not looked at (backward: the last). */ readonly reached: number; readonly cut: boolean }
interface Bounds { readonly start: number; readonly end: number }

export class History {
  private readonly log: EventLog;
  private readonly topics: LogTopics;
  private readonly messages: RecordCodec<Message>;

  constructor(private readonly options: HistoryOptions) {
    this.log = options.log;
    this.topics = options.topics;
    this.messages = options.codec.of('Message');
  }

  /** Oldest first, after a position or from the oldest kept. */
  async forward(partition: number, key: string, after: string | undefined, limit: number): Promise<Page> {
    const bounds = await this.bounds(this.topics.messages, partition);
    const known = after !== undefined && parsePosition(after).epoch === this.topics.epoch ? after : undefined;
    const from = known === undefined ? bounds.start : parsePosition(known).offset;
    const scan = await this.scanForward(partition, key, Math.max(from, bounds.start), bounds.end, limit + 1);
    const events = (await this.withOutcomes(partition, key, scan.found)).filter(({ position }) => known === undefined || position > known);
    const page = events.slice(0, limit);
    const cursor = scan.cut ? formatPosition(this.topics.epoch, scan.reached, 0) : null;
    return {
      events: page.map(({ json }) => json),
      next: events.length > limit ? page[page.length - 1]?.position ?? null : before(cursor),
      truncated: bounds.start > 0 && from <= bounds.start,
    };
  }

  /** Newest first, before a position or from the newest. */
  async backward(partition: number, key: string, beforePosition: string | undefined, limit: number): Promise<Page> {
    const bounds = await this.bounds(this.topics.messages, partition);
    const known = beforePosition === undefined ? undefined : parsePosition(beforePosition);
    if (known !== undefined && known.epoch !== this.topics.epoch) return { events: [], next: null, truncated: true };
    // The outcomes of the message at the position itself may stand before it.
    const to = known === undefined ? bounds.end : Math.min(bounds.end, known.offset + (known.index > 0 ? 1 : 0));
    const scan = await this.scanBackward(partition, key, bounds.start, to, limit + 1);
    const events = (await this.withOutcomes(partition, key, scan.found)).filter(({ position }) => beforePosition === undefined || position < beforePosition).reverse();
    const page = events.slice(0, limit);
    return {
      events: page.map(({ json }) => json),
      next: events.length > limit ? page[page.length - 1]?.position ?? null : scan.cut ? formatPosition(this.topics.epoch, scan.reached, 0) : null,
      truncated: bounds.start > 0 && !scan.cut && events.length <= limit,
    };
  }

  /** True when the message at a position is in the log or, for an index above 00, an outcome at or after it is. */
  async reaches(partition: number, key: string, position: string): Promise<boolean> {
    const { epoch, offset, index } = parsePosition(position);
    if (epoch !== this.topics.epoch) return false;
    const bounds = await this.bounds(this.topics.messages, partition);
    if (offset >= bounds.end) return false;
    if (index === 0) return true;
    const scan = await this.scanForward(partition, key, Math.max(offset, bounds.start), Math.max(offset, bounds.start) + 1, 1);
    return (await this.withOutcomes(partition, key, scan.found)).some((event) => event.position >= position);
  }

  private async bounds(topic: string, partition: number): Promise<Bounds> {
    return (await this.log.admin.bounds(topic)).find((found) => found.partition === partition) ?? { start: 0, end: 0 };
  }

  private async scanForward(partition: number, key: string, from: number, to: number, wanted: number): Promise<Scan> {
    const found: Found[] = [];
    const stop = this.budget();
    if (from >= to) return { found, reached: to, cut: false };
    for await (const batch of this.log.read(this.topics.messages, partition, from, to)) {
      for (const record of batch.records) {
        if (record.key !== key) continue;
        found.push(this.found(record, key));
        if (found.length >= wanted) return { found, reached: record.offset + 1, cut: true };
      }
      if (stop(batch.records.length)) return { found, reached: batch.nextOffset, cut: batch.nextOffset < to };
    }
    return { found, reached: to, cut: false };
  }

  private async scanBackward(partition: number, key: string, start: number, to: number, wanted: number): Promise<Scan> {
    const range = { topic: this.topics.messages, partition, start, end: to };
    const { records, reached, cut } = await newestRecords(this.log, range, wanted, (record) => record.key === key, this.budget());
    return { found: records.map((record) => this.found(record, key)), reached, cut };
  }

  private found(record: LogRecord, key: string): Found {
    const position = formatPosition(this.topics.epoch, record.offset, 0);
    const json = record.value === null ? undefined : messageEvent(this.messages, record.value, splitConversationKey(key).conversationId, position, record.timestamp);
    return { offset: record.offset, timestamp: record.timestamp, event: json === undefined ? undefined : { position, json } };
  }

  /** The messages with their outcomes, oldest first. */
  private async withOutcomes(partition: number, key: string, found: readonly Found[]): Promise<Event[]> {
    const first = found[0];
    if (first === undefined) return [];
    const open = new Set(found.map(({ offset }) => offset));
    const since = found.reduce((lowest, { timestamp }) => Math.min(lowest, timestamp), Infinity) - CLOCK_ALLOWANCE;
    const events = found.flatMap(({ event }) => event ?? []);
    const wanted = new Set(open);
    for (const topic of [this.topics.deadLetters, this.topics.replies]) {
      if (open.size === 0) break;
      await this.collect(topic, partition, key, since, (outcome) => {
        const { offset } = parsePosition(outcome.position);
        if (!wanted.has(offset)) return open.size > 0;
        open.delete(offset);
        events.push({ position: outcome.position, json: outcome.frame });
        return open.size > 0;
      });
    }
    events.sort((a, b) => (a.position < b.position ? -1 : a.position > b.position ? 1 : 0));
    return events.filter((event, i) => event.position !== events[i - 1]?.position);
  }

  private async collect(topic: string, partition: number, key: string, since: number, take: (outcome: Outcome) => boolean): Promise<void> {
    const from = await this.log.admin.offsetAt(topic, partition, since);
    const stop = this.budget();
    for await (const batch of this.log.read(topic, partition, from)) {
      const hits = batch.records.filter((record) => record.key === key);
      if (hits.length > 0) {
        const outcomes: Outcome[] = [];
        await this.options.decoder.decode(topic, hits, outcomes);
        // All of a batch: a reply and its handoff come from one record.
        if (!outcomes.map(take).every(Boolean)) return;
      }
      if (stop(batch.records.length)) return;
    }
  }

  /** Says when a scan has looked at enough. */
  private budget(): ScanBudget {
    const { clock, maxScan = 500_000, maxScanMillis = 2_000 } = this.options;
    return scanBudget({ clock, maxRecords: maxScan, maxMillis: maxScanMillis });
  }
}

/** A cursor as `after`: what stands at it belongs to the next page. */
function before(cursor: string | null): string | null {
  if (cursor === null) return null;
  const { epoch, offset } = parsePosition(cursor);
  return offset === 0 ? null : formatPosition(epoch, offset - 1, 99);
}
