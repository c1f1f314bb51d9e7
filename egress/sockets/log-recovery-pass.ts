/**
 * One pass over a partition for all that ask for its conversations.
 *
 * It starts where the records of the oldest wanted message can be at the earliest (by timestamp, less an allowance for clocks
 * of nodes that differ), and ends at the end of replies.v1 as it was before dead-letters.v1 was read: a dead letter is always
 * written before the reply to the next message, so nothing is missing in between. Sockets that follow have their turn after
 * every batch, after some outcomes that were made, and between answers: one answer alone may be hundreds of frames.
 */
import { nextTurn } from '../../platform/clock.js';
import type { EventLog, LogRecord, ReadRange } from '../../platform/event-log/event-log.js';
import { CLOCK_ALLOWANCE, readKeys } from '../../platform/event-log/scan.js';
import type { LogTopics } from '../log-topics.js';
import type { OutcomeDecoder } from '../outcomes/outcome-decoder.js';
import type { Outcome } from '../outcomes/outcome.js';
import { finish, isLost, keep, LOST, UNWANTED, type Bounds, type Request } from './log-recovery-request.js';

/** Frames of all answers of one pass together; each may have its share, but not less than the least nor more than the most. */
const ANSWERS_BYTES = 64 * 1024 * 1024;
const LEAST_BYTES = 64 * 1024;
const MOST_BYTES = 4 * 1024 * 1024;
/** Records that are made outcomes, and characters of answers that sockets write, without a turn for others. */
const RECORDS_A_TURN = 64;
const ANSWERED_A_TURN = 32 * 1024;
/** An answer without outcomes is work too. */
const ANSWER = 1024;
/** A message is this near to its offset; what stands between are the markers of transactions. */
const NEAR_MESSAGE = 64;

export interface PassParts {
  readonly log: EventLog;
  readonly topics: LogTopics;
  readonly decoder: OutcomeDecoder;
  /** Told how many records were passed. */
  readonly scanned: (records: number) => void;
}

export class Pass {
  private readonly wanted = new Map<string, Request[]>();
  private readonly keys: ReadonlySet<string>;
  private readonly share: number;

  constructor(private readonly parts: PassParts, private readonly partition: number, private readonly requests: readonly Request[]) {
    for (const request of requests) {
      const found = this.wanted.get(request.key);
      if (found) found.push(request); else this.wanted.set(request.key, [request]);
    }
    this.keys = new Set(this.wanted.keys());
    this.share = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, Math.floor(ANSWERS_BYTES / requests.length)));
  }

  /** Answers every request. @throws those of EventLog.read: some were not answered then */
  async run(bounds: Bounds): Promise<void> {
    const { partition, requests } = this;
    const { replies, deadLetters } = this.parts.topics;
    const time = await this.timeOf();
    await this.collect({ topic: deadLetters, partition, from: await this.startIn(deadLetters, time) }, (request, outcome) => { request.letters.push(outcome); });
    await this.collect({ topic: replies, partition, from: await this.startIn(replies, time), to: bounds.replies.end }, (request, outcome) => { keep(request, outcome, this.share); });
    let answered = 0;
    for (const request of requests) {
      request.resolve(finish(request));
      answered += request.bytes + ANSWER;
      if (answered < ANSWERED_A_TURN) continue;
      answered = 0;
      await nextTurn();
    }
  }

  /** When the oldest message was accepted that is asked from; undefined: nobody asks from a message that is there. */
  private async timeOf(): Promise<number | undefined> {
    const oldest = this.requests.reduce((lowest, { since, offset }) => (since === undefined ? Math.min(lowest, offset) : lowest), Infinity);
    return oldest === Infinity ? undefined : this.timestampAt(oldest);
  }

  /** Where the first record can stand that somebody wants; Infinity: nowhere. */
  private async startIn(topic: string, time: number | undefined): Promise<number> {
    const byTime = time === undefined ? Infinity : await this.parts.log.admin.offsetAt(topic, this.partition, time - CLOCK_ALLOWANCE);
    return this.requests.reduce((lowest, request) => (request.since === undefined ? lowest : Math.min(lowest, this.since(request, topic))), byTime);
  }

  private since({ since }: Request, topic: string): number {
    return since === undefined ? 0 : topic === this.parts.topics.replies ? since.replies : since.letters;
  }

  /** Acceptance time of the first message at or after the offset. */
  private async timestampAt(offset: number): Promise<number | undefined> {
    const { log, topics } = this.parts;
    for (const to of [offset + NEAR_MESSAGE, undefined]) {
      for await (const { records: [first] } of log.read(topics.messages, this.partition, offset, to)) if (first) return first.timestamp;
    }
    return undefined;
  }

  private async collect(range: ReadRange, take: (request: Request, outcome: Outcome) => void): Promise<void> {
    const { from, to = Infinity } = range;
    if (from >= to) return;
    let passed = from;
    for await (const { records, nextOffset } of readKeys(this.parts.log, range, this.keys)) {
      this.parts.scanned(Math.max(0, nextOffset - passed));
      passed = nextOffset;
      let made = 0;
      for (const record of records) {
        const requests = record.key === null ? undefined : this.wanted.get(record.key);
        if (requests === undefined) continue;
        await this.give(range.topic, record, requests, take);
        if ((made += 1) % RECORDS_A_TURN === 0) await nextTurn();
      }
      if (made > 0 && this.requests.every((request) => request.more || request.cancelled())) return;
      await nextTurn();
    }
  }

  private async give(topic: string, record: LogRecord, requests: readonly Request[], take: (request: Request, outcome: Outcome) => void): Promise<void> {
    // Nobody has room for it: it need not be made.
    if (requests.every((request) => request.more || request.cancelled())) return;
    const outcomes: Outcome[] = [];
    const after = requests.reduce((lowest, request) => (request.after < lowest ? request.after : lowest), requests[0]?.after ?? '');
    await this.parts.decoder.decode(topic, [record], outcomes, after);
    for (const outcome of outcomes) {
      for (const request of requests) if (outcome.position > request.after && record.offset >= this.since(request, topic)) take(request, outcome);
    }
  }
}

/** Who is gone or asks for what is not there gets its answer; those who are left. */
export function stillAsking(requests: readonly Request[], bounds: Bounds): Request[] {
  return requests.filter((request) => {
    const lost = isLost(request, bounds);
    const left = lost || request.cancelled();
    if (left) request.resolve(lost ? LOST : UNWANTED);
    return !left;
  });
}
