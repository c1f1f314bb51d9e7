/**
 * Outcomes of conversations from the log itself, for sockets that resume beyond the outbox.
 *
 * Requests for one partition that wait together share one pass over it: after a restart thousands of sockets resume at once.
 * A partition is read by one pass at a time. One that goes over much waits a little before it starts, so that those who come
 * together are all in it, and only one such pass runs at a time; who reaches back a little does not wait for it. All answers
 * of a pass together are bounded in bytes.
 */
import type { Clock } from '../../platform/clock.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import { parsePosition } from '../../platform/position.js';
import type { LogTopics } from '../log-topics.js';
import type { OutcomeDecoder } from '../outcomes/outcome-decoder.js';
import { Pass, stillAsking } from './log-recovery-pass.js';
import { LOST, type Bounds, type Recovered, type Request, type Span, type Wanted } from './log-recovery-request.js';

export type { Recovered, Since, Wanted } from './log-recovery-request.js';

const PASSES = 2;
const REQUESTS_A_PASS = 1_000;
/** Who reaches no further back than this, or four times as far as the nearest, is in the same pass. */
const NEAR_OFFSETS = 20_000;
/** A pass over more than this gathers: until nobody has come for a while, but not for ever. */
const FAR_OFFSETS = 20_000;
/** Who reaches no further back than this part of it does not wait for such a pass. */
const NEAR_PART = 5;
const GATHER_STEP_MILLIS = 200;
const GATHER_MILLIS = 2_000;

export interface LogRecoveryOptions {
  readonly log: EventLog;
  readonly topics: LogTopics;
  readonly decoder: OutcomeDecoder;
  /** Default: no pass waits for more requests. */
  readonly clock?: Clock;
  /** A pass over more offsets than this goes over much. Default 20,000. */
  readonly farOffsets?: number;
  /** Default: nothing is counted. */
  readonly metrics?: RecoveryMetrics;
}

/** What is told of the work. */
export interface RecoveryMetrics {
  scan(): void;
  scanned(records: number): void;
  recovering(change: number): void;
}

/** A pass that runs. */
interface Running {
  /** It goes over much: who asks from this offset of messages.v1 on does not wait for it. Undefined: it does not, or that is not known yet. */
  nearFrom: number | undefined;
}

export class LogRecovery {
  private readonly log: EventLog;
  private readonly topics: LogTopics;
  private readonly waiting = new Map<number, Request[]>();
  private readonly running = new Map<number, Set<Running>>();
  private readonly farOffsets: number;
  private passes = 0;
  /** Ends of messages.v1 as they were last seen, by partition. */
  private readonly ends = new Map<number, number>();

  constructor(private readonly options: LogRecoveryOptions) {
    this.log = options.log;
    this.topics = options.topics;
    this.farOffsets = options.farOffsets ?? FAR_OFFSETS;
  }

  /** @throws CONFAB_LOG_UNAVAILABLE and others of EventLog.read */
  recover(wanted: Wanted): Promise<Recovered> {
    const { epoch, offset } = parsePosition(wanted.after);
    if (epoch !== this.topics.epoch) return Promise.resolve(LOST);
    this.options.metrics?.recovering(1);
    return new Promise<Recovered>((resolve, reject) => {
      const request: Request = { ...wanted, offset, replies: [], letters: [], bytes: 0, more: false, passedOver: false, resolve, reject };
      const queue = this.waiting.get(wanted.partition);
      if (queue) queue.push(request); else this.waiting.set(wanted.partition, [request]);
      // Those that come in the same turn of the event loop share the pass.
      if (this.passes < PASSES) setImmediate(() => { this.next(); });
    }).finally(() => { this.options.metrics?.recovering(-1); });
  }

  /** Starts as many passes as may run. */
  private next(): void {
    for (const partition of [...this.waiting.keys()]) {
      if (this.passes >= PASSES) return;
      if (this.mayStart(partition)) this.start(partition);
    }
  }

  private mayStart(partition: number): boolean {
    const here = [...this.running.get(partition) ?? []];
    const queue = this.waiting.get(partition) ?? [];
    if (here.length > 0) {
      const nearFrom = here[0]?.nearFrom;
      return here.length === 1 && nearFrom !== undefined && queue.some((request) => backTo(request) >= nearFrom);
    }
    // Only one goes over much at a time; this one waits for it, unless somebody in it need not.
    const end = this.ends.get(partition);
    return !this.farRuns() || end === undefined || queue.some((request) => backTo(request) >= this.nearFrom(end));
  }

  private nearFrom(end: number): number { return end - this.farOffsets / NEAR_PART; }

  private farRuns(): boolean {
    return [...this.running.values()].some((passes) => [...passes].some(({ nearFrom }) => nearFrom !== undefined));
  }

  private start(partition: number): void {
    const end = this.ends.get(partition);
    const running: Running = { nearFrom: end !== undefined && this.reach(partition, end) > this.farOffsets ? this.nearFrom(end) : undefined };
    // Beside a pass over much, or where one runs elsewhere, only those who are near.
    const passes = this.running.get(partition) ?? new Set();
    const [beside] = passes;
    const nearFrom = beside?.nearFrom ?? (this.farRuns() && end !== undefined ? this.nearFrom(end) : undefined);
    if (nearFrom !== undefined) running.nearFrom = undefined;
    this.running.set(partition, passes.add(running));
    this.passes += 1;
    void this.pass(partition, running, nearFrom).finally(() => {
      this.passes -= 1;
      passes.delete(running);
      if (passes.size === 0) this.running.delete(partition);
      this.next();
    });
  }

  /** Never rejects: those of the pass are told. */
  private async pass(partition: number, running: Running, nearFrom: number | undefined): Promise<void> {
    let requests: Request[] = [];
    try {
      let bounds = await this.boundsOf(partition);
      const far = nearFrom === undefined && this.reach(partition, bounds.messages.end) > this.farOffsets;
      running.nearFrom = far ? this.nearFrom(bounds.messages.end) : undefined;
      if (far && await this.gather(partition)) bounds = await this.boundsOf(partition);
      requests = this.take(partition, nearFrom);
      const asking = stillAsking(requests, bounds);
      if (asking.length === 0) return;
      this.options.metrics?.scan();
      const { log, topics, decoder, metrics } = this.options;
      await new Pass({ log, topics, decoder, scanned: (records) => { metrics?.scanned(records); } }, partition, asking).run(bounds);
    } catch (error) {
      for (const request of requests.length > 0 ? requests : this.take(partition, nearFrom)) request.reject(error);
    }
  }

  /** How many offsets the one goes back who goes back furthest. */
  private reach(partition: number, end: number): number {
    return end - (this.waiting.get(partition) ?? []).reduce((lowest, request) => Math.min(lowest, backTo(request)), Infinity);
  }

  /** Waits for those who come together with the ones that wait. False: there was nothing to wait with. */
  private async gather(partition: number): Promise<boolean> {
    const { clock } = this.options;
    if (clock === undefined) return false;
    let known = 0;
    for (let waited = 0; waited < GATHER_MILLIS; waited += GATHER_STEP_MILLIS) {
      const count = this.waiting.get(partition)?.length ?? 0;
      if (waited > 0 && (count === known || count >= REQUESTS_A_PASS)) break;
      known = count;
      await clock.sleep(GATHER_STEP_MILLIS);
    }
    return true;
  }

  /** Those of the next pass leave the queue. `nearFrom`: only who asks from there on. */
  private take(partition: number, nearFrom: number | undefined): Request[] {
    const queue = this.waiting.get(partition) ?? [];
    this.waiting.delete(partition);
    const far = nearFrom === undefined ? [] : queue.filter((request) => backTo(request) < nearFrom);
    const candidates = nearFrom === undefined ? queue : queue.filter((request) => backTo(request) >= nearFrom);
    const taken = takeFrom(candidates);
    // Back to the end: other partitions have their turn.
    if (candidates.length + far.length > 0) this.waiting.set(partition, [...candidates, ...far]);
    return taken;
  }

  private async boundsOf(partition: number): Promise<Bounds> {
    const { messages, replies, deadLetters } = this.topics;
    const spanOf = async (topic: string): Promise<Span> => (await this.log.admin.bounds(topic)).find((found) => found.partition === partition) ?? { start: 0, end: 0 };
    const [ofMessages, ofReplies, ofLetters] = await Promise.all([spanOf(messages), spanOf(replies), spanOf(deadLetters)]);
    this.ends.set(partition, ofMessages.end);
    return { messages: ofMessages, replies: ofReplies, letters: ofLetters };
  }
}

/** From which offset of messages.v1 on the log is read for it; Infinity: from a place that is near the end. */
const backTo = ({ since, offset }: Request): number => (since === undefined ? offset : Infinity);

/** Takes those out of the queue that the next pass is for: the ones that reach back least far, and no other is passed over twice. */
function takeFrom(queue: Request[]): Request[] {
  queue.sort((a, b) => b.offset - a.offset);
  const newest = queue[0]?.offset ?? 0;
  const [middle] = queue.slice(Math.floor(queue.length / 2));
  const reach = newest - Math.max(NEAR_OFFSETS, (newest - (middle?.offset ?? 0)) * 4);
  const far = queue.findIndex((request) => request.offset < reach);
  const anyPassedOver = queue.some(({ passedOver }) => passedOver);
  const taken = queue.splice(0, Math.min(far < 0 || anyPassedOver ? queue.length : far, REQUESTS_A_PASS));
  for (const request of queue) request.passedOver = true;
  return taken;
}
