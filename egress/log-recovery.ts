/**
 * Outcomes of conversations from the log itself, for sockets that resume beyond the outbox.
 *
 * Requests for one partition that wait together share one scan: after a restart thousands of sockets resume at once.
 * A scan starts where the records of the oldest wanted message can be at the earliest (by timestamp, less an allowance for
 * clocks of nodes that differ), and ends at the end of replies.v1 as it was before dead-letters.v1 was read: a dead letter
 * is always written before the reply to the next message, so nothing is missing in between.
 */
import type { EventLog, LogRecord } from '../platform/event-log/event-log.js';
import { CLOCK_ALLOWANCE } from '../platform/event-log/scan.js';
import { parsePosition } from '../platform/position.js';
import type { LogTopics } from './log-topics.js';
import type { OutcomeDecoder } from './outcome-decoder.js';
import type { Outcome } from './outcome.js';

const SCANS = 2;
const REQUESTS_A_SCAN = 1_000;
/** Outcomes that one answer holds at most. */
const LIMIT = 500;
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

interface Request {
  readonly key: string;
  readonly after: string;
  readonly offset: number;
  readonly cancelled: () => boolean;
  readonly replies: Outcome[];
  readonly letters: Outcome[];
  more: boolean;
  resolve(recovered: Recovered): void;
  reject(error: unknown): void;
}

export interface LogRecoveryOptions {
  readonly log: EventLog;
  readonly topics: LogTopics;
  readonly decoder: OutcomeDecoder;
}

const LOST: Recovered = { outcomes: [], more: false, lost: true };

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
  recover(partition: number, key: string, after: string, cancelled: () => boolean): Promise<Recovered> {
    const { epoch, offset } = parsePosition(after);
    if (epoch !== this.topics.epoch) return Promise.resolve(LOST);
    return new Promise((resolve, reject) => {
      const request: Request = { key, after, offset, cancelled, replies: [], letters: [], more: false, resolve, reject };
      const queue = this.waiting.get(partition);
      if (queue) queue.push(request); else this.waiting.set(partition, [request]);
      // Those that come in the same turn of the event loop share the scan.
      if (this.scanning < SCANS) setImmediate(() => { this.next(); });
    });
  }

  private next(): void {
    if (this.scanning >= SCANS) return;
    const [partition, queue] = this.waiting.entries().next().value ?? [];
    if (partition === undefined || queue === undefined) return;
    const requests = queue.splice(0, REQUESTS_A_SCAN);
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
    const { messages, replies, deadLetters } = this.topics;
    const bounds = (await this.log.admin.bounds(messages)).find((found) => found.partition === partition) ?? { start: 0, end: 0 };
    const requests = all.filter((request) => {
      // Beyond the end: a log that was put back. Before the start: what followed may have been removed with it.
      const lost = request.offset > bounds.end + UNSEEN || request.offset < bounds.start;
      if (lost) request.resolve(LOST);
      return !lost && !request.cancelled();
    });
    for (const request of all) if (request.cancelled()) request.resolve({ outcomes: [], more: false, lost: false });
    if (requests.length === 0) return;
    const from = requests.reduce((lowest, request) => Math.min(lowest, request.offset), Infinity);
    const timestamp = await this.timestampAt(partition, from);
    if (timestamp !== undefined) {
      const wanted = new Map<string, Request[]>();
      for (const request of requests) wanted.set(request.key, [...(wanted.get(request.key) ?? []), request]);
      const end = (await this.log.admin.bounds(replies)).find((found) => found.partition === partition)?.end ?? 0;
      await this.collect(deadLetters, partition, timestamp, undefined, wanted);
      await this.collect(replies, partition, timestamp, end, wanted);
    }
    for (const request of requests) request.resolve(finish(request));
  }

  /** Acceptance time of the first message at or after the offset. */
  private async timestampAt(partition: number, offset: number): Promise<number | undefined> {
    for await (const batch of this.log.read(this.topics.messages, partition, offset)) {
      const first = batch.records[0];
      if (first) return first.timestamp;
    }
    return undefined;
  }

  private async collect(topic: string, partition: number, timestamp: number, end: number | undefined, wanted: ReadonlyMap<string, Request[]>): Promise<void> {
    const from = await this.log.admin.offsetAt(topic, partition, timestamp - CLOCK_ALLOWANCE);
    if (end !== undefined && from >= end) return;
    for await (const batch of this.log.read(topic, partition, from, end)) {
      const hits: LogRecord[] = batch.records.filter((record) => record.key !== null && wanted.has(record.key));
      if (hits.length > 0) {
        const outcomes: Outcome[] = [];
        await this.options.decoder.decode(topic, hits, outcomes);
        for (const outcome of outcomes) for (const request of wanted.get(outcome.key) ?? []) keep(request, outcome, topic === this.topics.replies);
      }
      if ([...wanted.values()].every((requests) => requests.every((request) => request.more || request.cancelled()))) return;
    }
  }
}

function keep(request: Request, outcome: Outcome, isReply: boolean): void {
  if (outcome.position <= request.after) return;
  if (!isReply) request.letters.push(outcome);
  else if (request.replies.length < LIMIT) request.replies.push(outcome);
  else request.more = true;
}

function finish({ replies, letters, more }: Request): Recovered {
  const last = more ? replies[replies.length - 1]?.position ?? '' : undefined;
  const all = last === undefined ? [...replies, ...letters] : [...replies, ...letters.filter((letter) => letter.position <= last)];
  all.sort((a, b) => (a.position < b.position ? -1 : a.position > b.position ? 1 : 0));
  return { outcomes: all.filter((outcome, i) => i === 0 || outcome.position !== all[i - 1]?.position), more, lost: false };
}
