/**
 * Takes messages in, gathers them into batches, answers each when the log has acknowledged it.
 *
 * While one batch is on its way to the log the next one gathers, so batches are as small as the load allows and as large as
 * it demands. Where a batch costs much beyond its messages (a request to a broker, and what it wakes there) one that held
 * several is followed by the next a few milliseconds after it began (docs/adr/0214); a lone message never waits. What waits is bounded in records and bytes (503 OVERLOADED) and in time: an entry
 * that could not be sent is refused with LOG_UNAVAILABLE, one that was sent without an answer with OUTCOME_UNKNOWN.
 */
import type { Clock, Timer } from '../../platform/clock.js';
import { conversationKey } from '../../platform/conversation-key.js';
import { ConfabError, toConfabError } from '../../platform/errors.js';
import { partitionOf } from '../../platform/partitioner.js';
import type { Message } from '../../schemas/types.js';
import { type AcceptanceMetrics, noMetrics } from './acceptance-metrics.js';
import { type BatchWriter, Pending } from './pending.js';
import type { Submission } from './submission.js';

export interface AcceptorOptions {
  readonly clock: Clock;
  readonly writer: BatchWriter;
  /** Full name of messages.v1 and its partitions. */
  readonly topic: string;
  readonly partitions: number;
  readonly encode: (message: Message) => Buffer;
  /** The largest record that the log takes. */
  readonly maxRecordBytes: number;
  readonly limits?: Partial<AcceptorLimits>;
  readonly metrics?: AcceptanceMetrics;
}

export interface AcceptorLimits {
  /** Messages that wait or are under way. */
  readonly maxRecords: number;
  readonly maxBytes: number;
  /** Messages of one batch. */
  readonly maxBatch: number;
  /** From the beginning of a batch of several messages to that of the next at least, milliseconds; 0: they follow at once. */
  readonly gatherMillis: number;
  /** How long a message may wait for its turn, milliseconds. */
  readonly queueMillis: number;
  /** How long a caller waits in all, milliseconds. */
  readonly answerMillis: number;
}

export const ACCEPTOR_LIMITS: AcceptorLimits = { maxRecords: 20_000, maxBytes: 64 * 1024 * 1024, maxBatch: 4000, gatherMillis: 0, queueMillis: 1400, answerMillis: 1800 };
const CHECK_EVERY = 100;
/** Messages that are worth a batch of their own: they gather no longer. */
const ENOUGH = 256;
/** Bytes of a record beyond key and value, roughly: for the bound of the log. */
const RECORD_OVERHEAD = 200;

export class Acceptor {
  private readonly options: AcceptorOptions;
  private readonly limits: AcceptorLimits;
  private readonly metrics: AcceptanceMetrics;
  private queue: Pending[] = [];
  private batch: readonly Pending[] = [];
  private records = 0;
  private bytes = 0;
  private running = false;
  private draining = false;
  private watchdog: Timer | undefined;
  private idle: (() => void)[] = [];
  /** Ends the time in which a batch gathers. */
  private gathered: (() => void) | undefined;

  constructor(options: AcceptorOptions) {
    this.options = options;
    this.limits = { ...ACCEPTOR_LIMITS, ...options.limits };
    this.metrics = options.metrics ?? noMetrics;
  }

  /** Messages that wait or are under way. */
  get inFlight(): number { return this.records; }

  /**
   * Takes a message in; `done` of it is called later. Messages of one conversation are written in the order of these calls.
   * @throws CONFAB_DRAINING, CONFAB_OVERLOADED, CONFAB_BODY_TOO_LARGE: nothing was taken in, `done` is not called
   */
  submit(submission: Submission): void {
    if (this.draining) throw new ConfabError('CONFAB_DRAINING', { retryAfterMs: 1000 });
    const { clock, topic, partitions, encode, maxRecordBytes } = this.options;
    if (this.records >= this.limits.maxRecords || this.bytes >= this.limits.maxBytes) {
      this.metrics.refused('CONFAB_OVERLOADED');
      throw new ConfabError('CONFAB_OVERLOADED', { retryAfterMs: 1000 });
    }
    const key = conversationKey(submission.tenant, submission.conversationId);
    const partition = partitionOf(key, partitions);
    const value = encode(submission.message);
    const bytes = value.length + key.length + RECORD_OVERHEAD;
    if (bytes > maxRecordBytes) throw new ConfabError('CONFAB_BODY_TOO_LARGE', { detail: `The record of the message would have ${bytes} bytes; the log takes ${maxRecordBytes}.` });
    const record = submission.traceparent === undefined
      ? { topic, partition, key, value, timestamp: clock.now() }
      : { topic, partition, key, value, timestamp: clock.now(), headers: { traceparent: submission.traceparent } };
    this.queue.push(new Pending(submission, partition, record, bytes, clock.monotonic()));
    this.records += 1;
    this.bytes += bytes;
    if (this.queue.length >= ENOUGH) this.gathered?.();
    this.wake();
  }

  /** Refuses new messages, waits until the last one is answered. */
  async drain(): Promise<void> {
    this.draining = true;
    this.gathered?.();
    if (this.records > 0) await new Promise<void>((resolve) => { this.idle.push(resolve); });
  }

  /** Drains and closes the writer. */
  async close(): Promise<void> {
    await this.drain();
    await this.options.writer.close();
  }

  /** For writers: an entry that has to be written anew (its claim was given up). Keeps its place in the accounts. */
  requeue(pending: Pending): void {
    pending.since = this.options.clock.monotonic();
    this.queue.push(pending);
    this.wake();
  }

  private wake(): void {
    if (this.running) return;
    this.running = true;
    // One turn of the event loop gathers what arrived together.
    setImmediate(() => { void this.run(); });
  }

  private async run(): Promise<void> {
    this.armWatchdog();
    while (this.queue.length > 0) {
      const all = this.queue.length <= this.limits.maxBatch;
      this.batch = all ? this.queue : this.queue.slice(0, this.limits.maxBatch);
      this.queue = all ? [] : this.queue.slice(this.limits.maxBatch);
      const started = this.options.clock.monotonic();
      try {
        await this.options.writer.write(this.batch, this.finished);
      } catch (error) {
        // A writer never rejects; if it does, nobody shall wait for ever.
        for (const pending of this.batch) { pending.refuse(toConfabError(error)); this.finished(pending); }
      }
      this.metrics.batch(this.batch.length, this.options.clock.monotonic() - started);
      if (this.batch.length > 1) await this.gather(started + this.limits.gatherMillis);
    }
    this.batch = [];
    this.running = false;
    this.watchdog?.cancel();
  }

  private gather(until: number): Promise<void> | undefined {
    const { clock } = this.options;
    const wait = until - clock.monotonic();
    if (wait <= 0 || this.draining || this.queue.length >= ENOUGH) return undefined;
    return new Promise((resolve) => {
      const timer = clock.after(wait, () => { this.gathered?.(); });
      this.gathered = () => { this.gathered = undefined; timer.cancel(); resolve(); };
    });
  }

  /** An entry needs its place no longer. */
  private readonly finished = (pending: Pending): void => {
    if (pending.bytes === 0) return;
    this.records -= 1;
    this.bytes -= pending.bytes;
    pending.release();
    if (this.records === 0) for (const resolve of this.idle.splice(0)) resolve();
  };

  private armWatchdog(): void {
    this.watchdog = this.options.clock.after(CHECK_EVERY, () => {
      if (!this.running) return;
      this.refuseLate();
      this.armWatchdog();
    });
  }

  /** One look at the heads every 100 ms instead of a timer a message. */
  private refuseLate(): void {
    const now = this.options.clock.monotonic();
    let late = 0;
    while (late < this.queue.length && now - (this.queue[late]?.since ?? now) >= this.limits.queueMillis) late += 1;
    for (const pending of late > 0 ? this.queue.splice(0, late) : []) {
      this.metrics.refused('CONFAB_LOG_UNAVAILABLE');
      pending.refuse(new ConfabError('CONFAB_LOG_UNAVAILABLE', { retryAfterMs: 1000 }));
      this.finished(pending);
    }
    for (const pending of this.batch) {
      if (pending.settled || now - pending.since < this.limits.answerMillis) continue;
      const code = pending.sent ? 'CONFAB_OUTCOME_UNKNOWN' : 'CONFAB_LOG_UNAVAILABLE';
      this.metrics.refused(code);
      pending.refuse(new ConfabError(code, { retryAfterMs: pending.sent ? 15_000 : 1000 }));
    }
  }
}
