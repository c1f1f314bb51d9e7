/**
 * Outcomes of conversations from the log itself, for sockets that resume beyond the outbox.
 *
 * Requests for one partition that wait together share one scan: after a restart thousands of sockets resume at once. Those
 * that reach far back do not keep the others waiting, and all answers of a scan together are bounded in bytes. A scan is one
 * pass over one partition, whoever asks, and gives way to the sockets after each batch.
 * A scan starts where the records of the oldest wanted message can be at the earliest (by timestamp, less an allowance for
 * clocks of nodes that differ), and ends at the end of replies.v1 as it was before dead-letters.v1 was read: a dead letter
 * is always written before the reply to the next message, so nothing is missing in between.
 */
import { nextTurn } from '../../platform/clock.js';
import type { EventLog, LogRecord } from '../../platform/event-log/event-log.js';
import { CLOCK_ALLOWANCE } from '../../platform/event-log/scan.js';
import { parsePosition } from '../../platform/position.js';
import type { LogTopics } from '../log-topics.js';
import type { OutcomeDecoder } from '../outcomes/outcome-decoder.js';
import type { Outcome } from '../outcomes/outcome.js';

const SCANS = 2;
const REQUESTS_A_SCAN = 1_000;
/** Frames of all answers of one scan together; each may have its share, but not less than the least nor more than the most. */
const ANSWERS_BYTES = 64 * 1024 * 1024;
const LEAST_BYTES = 64 * 1024;
const MOST_BYTES = 4 * 1024 * 1024;
/** Who reaches no further back than this, or four times as far as the nearest, is in the same scan. */
const NEAR_OFFSETS = 20_000;
/** Acknowledged offsets may be this far beyond the end that readers see, while a transaction is open before them. */
const UNSEEN = 10_000;

export interface Recovered {
  /** After the position that was asked for, in order. */
  readonly outcomes: readonly Outcome[];
  /** There are more: ask again after the last one. */
  readonly more: boolean;
  /** What came after the position can no longer be had (or the position is not of this log). */
  readonly lost: boolean;
}

/** What is asked for. */
export interface Wanted {
  readonly partition: number;
  readonly key: string;
  readonly after: string;
  /** Default: all that stand after the position. */
  readonly since?: Since;
  readonly cancelled: () => boolean;
}

/** Offsets: outcomes whose records stand before them are left out. */
export interface Since { readonly replies: number; readonly letters: number }

interface Request extends Wanted {
  readonly offset: number;
  readonly replies: Outcome[];
  readonly letters: Outcome[];
  bytes: number;
  /** Its share is full, and there is more after the last of the replies. */
  more: boolean;
  /** A scan has gone without it. */
  passedOver: boolean;
  resolve(recovered: Recovered): void;
  reject(error: unknown): void;
}

export interface LogRecoveryOptions {
  readonly log: EventLog;
  readonly topics: LogTopics;
  readonly decoder: OutcomeDecoder;
  /** Default: nothing is counted. */
  readonly metrics?: RecoveryMetrics;
}

/** What is told of the work. */
export interface RecoveryMetrics {
  scan(): void;
  scanned(records: number): void;
  recovering(change: number): void;
}

const LOST: Recovered = { outcomes: [], more: false, lost: true };
/** For who is gone. */
const UNWANTED: Recovered = { outcomes: [], more: false, lost: false };

export class LogRecovery {
  private readonly log: EventLog;
  private readonly topics: LogTopics;
  private readonly waiting = new Map<number, Request[]>();
  private scanning = 0;

  constructor(private readonly options: LogRecoveryOptions) {
    this.log = options.log;
    this.topics = options.topics;
  }

  /** @throws CONFAB_LOG_UNAVAILABLE and others of EventLog.read */
  recover(wanted: Wanted): Promise<Recovered> {
    const { epoch, offset } = parsePosition(wanted.after);
    if (epoch !== this.topics.epoch) return Promise.resolve(LOST);
    const { metrics } = this.options;
    metrics?.recovering(1);
    return new Promise<Recovered>((resolve, reject) => {
      const request: Request = { ...wanted, offset, replies: [], letters: [], bytes: 0, more: false, passedOver: false, resolve, reject };
      const queue = this.waiting.get(wanted.partition);
      if (queue) queue.push(request); else this.waiting.set(wanted.partition, [request]);
      // Those that come in the same turn of the event loop share the scan.
      if (this.scanning < SCANS) setImmediate(() => { this.next(); });
    }).finally(() => { metrics?.recovering(-1); });
  }

  private next(): void {
    if (this.scanning >= SCANS) return;
    const [partition, queue] = this.waiting.entries().next().value ?? [];
    if (partition === undefined || queue === undefined) return;
    const requests = takeFrom(queue);
    this.waiting.delete(partition);
    if (queue.length > 0) this.waiting.set(partition, queue);
    this.scanning += 1;
    this.scan(partition, requests).catch((error: unknown) => {
      for (const request of requests) request.reject(error);
    }).finally(() => {
      this.scanning -= 1;
      this.next();
    });
  }

  private async scan(partition: number, all: readonly Request[]): Promise<void> {
    const { replies, deadLetters } = this.topics;
    const bounds = await this.boundsOf(partition);
    const requests = all.filter((request) => {
      const lost = isLost(request, bounds);
      const left = lost || request.cancelled();
      if (left) request.resolve(lost ? LOST : UNWANTED);
      return !left;
    });
    if (requests.length === 0) return;
    const share = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, Math.floor(ANSWERS_BYTES / requests.length)));
    this.options.metrics?.scan();
    const wanted = new Map<string, Request[]>();
    for (const request of requests) wanted.set(request.key, [...(wanted.get(request.key) ?? []), request]);
    const time = await this.timeOf(partition, requests);
    await this.collect({ topic: deadLetters, partition, start: await this.startIn(deadLetters, partition, requests, time) }, wanted, (request, outcome) => { request.letters.push(outcome); });
    await this.collect({ topic: replies, partition, start: await this.startIn(replies, partition, requests, time), end: bounds.replies.end }, wanted, (request, outcome) => { keep(request, outcome, share); });
    for (const request of requests) request.resolve(finish(request));
  }

  private async boundsOf(partition: number): Promise<Bounds> {
    const { messages, replies, deadLetters } = this.topics;
    const spanOf = async (topic: string): Promise<Span> => (await this.log.admin.bounds(topic)).find((found) => found.partition === partition) ?? { start: 0, end: 0 };
    const [ofMessages, ofReplies, ofLetters] = await Promise.all([spanOf(messages), spanOf(replies), spanOf(deadLetters)]);
    return { messages: ofMessages, replies: ofReplies, letters: ofLetters };
  }

  /** When the oldest message was accepted that is asked from; undefined: nobody asks from a message that is there. */
  private async timeOf(partition: number, requests: readonly Request[]): Promise<number | undefined> {
    const oldest = requests.reduce((lowest, { since, offset }) => (since === undefined ? Math.min(lowest, offset) : lowest), Infinity);
    return oldest === Infinity ? undefined : this.timestampAt(partition, oldest);
  }

  /** Where the first record can stand that somebody wants; Infinity: nowhere. */
  private async startIn(topic: string, partition: number, requests: readonly Request[], time: number | undefined): Promise<number> {
    const byTime = time === undefined ? Infinity : await this.log.admin.offsetAt(topic, partition, time - CLOCK_ALLOWANCE);
    return requests.reduce((lowest, request) => (request.since === undefined ? lowest : Math.min(lowest, this.since(request, topic))), byTime);
  }

  private since({ since }: Request, topic: string): number {
    return since === undefined ? 0 : topic === this.topics.replies ? since.replies : since.letters;
  }

  /** Acceptance time of the first message at or after the offset. */
  private async timestampAt(partition: number, offset: number): Promise<number | undefined> {
    for await (const batch of this.log.read(this.topics.messages, partition, offset)) {
      const first = batch.records[0];
      if (first) return first.timestamp;
    }
    return undefined;
  }

  private async collect({ topic, partition, start, end = Infinity }: Range, wanted: ReadonlyMap<string, Request[]>, take: (request: Request, outcome: Outcome) => void): Promise<void> {
    if (start >= end) return;
    for await (const batch of this.log.read(topic, partition, start, end === Infinity ? undefined : end)) {
      this.options.metrics?.scanned(batch.records.length);
      const hits: LogRecord[] = batch.records.filter((record) => record.key !== null && wanted.has(record.key));
      if (hits.length > 0) {
        for (const record of hits) {
          const outcomes: Outcome[] = [];
          await this.options.decoder.decode(topic, [record], outcomes);
          for (const outcome of outcomes) for (const request of wanted.get(outcome.key) ?? []) if (outcome.position > request.after && record.offset >= this.since(request, topic)) take(request, outcome);
        }
        if ([...wanted.values()].every((requests) => requests.every((request) => request.more || request.cancelled()))) return;
      }
      await nextTurn();
    }
  }
}

interface Range { readonly topic: string; readonly partition: number; readonly start: number; readonly end?: number }
interface Bounds { readonly messages: Span; readonly replies: Span; readonly letters: Span }
interface Span { readonly start: number; readonly end: number }

function isLost({ offset, since }: Request, { messages, replies, letters }: Bounds): boolean {
  if (since !== undefined) return since.replies < replies.start || since.letters < letters.start;
  // Beyond the end: a log that was put back. Before the start: what followed may have been removed with it.
  return offset > messages.end + UNSEEN || offset < messages.start;
}

/** Takes those out of the queue that the next scan is for: the ones that reach back least far, and no other is passed over twice. */
function takeFrom(queue: Request[]): Request[] {
  queue.sort((a, b) => b.offset - a.offset);
  const newest = queue[0]?.offset ?? 0;
  const [middle] = queue.slice(Math.floor(queue.length / 2));
  const reach = newest - Math.max(NEAR_OFFSETS, (newest - (middle?.offset ?? 0)) * 4);
  const far = queue.findIndex((request) => request.offset < reach);
  const anyPassedOver = queue.some(({ passedOver }) => passedOver);
  const taken = queue.splice(0, Math.min(far < 0 || anyPassedOver ? queue.length : far, REQUESTS_A_SCAN));
  for (const request of queue) request.passedOver = true;
  return taken;
}

function keep(request: Request, outcome: Outcome, share: number): void {
  if (request.more || request.bytes > share) { request.more = true; return; }
  request.replies.push(outcome);
  request.bytes += outcome.frame.length;
}

function finish({ replies, letters, more }: Request): Recovered {
  const last = !more ? undefined : replies[replies.length - 1]?.position ?? '';
  const all = last === undefined ? [...replies, ...letters] : [...replies, ...letters.filter((letter) => letter.position <= last)];
  all.sort((a, b) => (a.position < b.position ? -1 : a.position > b.position ? 1 : 0));
  return { outcomes: all.filter((outcome, i) => i === 0 || outcome.position !== all[i - 1]?.position), more, lost: false };
}
